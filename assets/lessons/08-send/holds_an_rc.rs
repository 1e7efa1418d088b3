use std::rc::Rc;

#[tokio::main]
async fn main() {
    tokio::spawn(async {
        let word = Rc::new("hello");
        tokio::task::yield_now().await;
        println!("{word}");
    });
}
