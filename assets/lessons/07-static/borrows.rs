#[tokio::main]
async fn main() {
    let list = vec![1, 2, 3];
    tokio::spawn(async {
        println!("{list:?}");
    });
}
