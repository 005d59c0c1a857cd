// Threads, channels, panics that are caught, and a static vector of closures.
use std::collections::HashMap;
use std::sync::{mpsc, Arc, Mutex};
use std::thread;

fn main() {
    let (sender, receiver) = mpsc::channel();
    let shared = Arc::new(Mutex::new(HashMap::new()));
    let threads: Vec<_> = (0..4)
        .map(|number| {
            let (sender, shared) = (sender.clone(), shared.clone());
            thread::spawn(move || {
                for i in 0..200u64 {
                    *shared.lock().unwrap().entry(i % 17).or_insert(0) += i * number;
                }
                sender.send(number).unwrap();
            })
        })
        .collect();
    for thread in threads { thread.join().unwrap(); }
    drop(sender);
    println!("{:?}", receiver.iter().collect::<Vec<_>>());
    let sum: u64 = shared.lock().unwrap().values().sum();
    assert_eq!(sum, 6 * 199 * 100);
    let caught = std::panic::catch_unwind(|| { let empty: Vec<i32> = vec![]; empty[3] });
    assert!(caught.is_err());
    println!("{:?}", shared.lock().unwrap().iter().next());
    println!("EXIT-SUCCESS");
}
