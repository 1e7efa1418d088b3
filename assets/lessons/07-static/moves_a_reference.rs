#[tokio::main]
async fn main() {
    let list = vec![1, 2, 3];
    let borrowed = &list;
    tokio::spawn(async move {
        println!("{borrowed:?}");
    });
}
