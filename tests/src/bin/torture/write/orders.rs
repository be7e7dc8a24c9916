//! What whoever started this program wants of it, a word a line on standard input.

use std::io::BufRead;

use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Delete the topic and make it anew.
    Recreate,
    /// Add a partition.
    Grow,
}

pub(super) fn from_standard_input() -> UnboundedReceiver<Order> {
    let (sender, receiver) = unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            let order = match line.as_str() {
                "recreate" => Order::Recreate,
                "grow" => Order::Grow,
                other => panic!("nothing is known by {other:?}"),
            };
            if sender.send(order).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Says that an order was carried out.
pub(super) fn done() {
    eprintln!("done");
}
