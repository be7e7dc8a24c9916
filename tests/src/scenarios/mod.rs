//! What is tried on more kinds of clusters than the suite's tests have: on the oldest Kafka, too.

mod client;
mod compressions;
mod handlers;
mod refusals;
mod topic_life;

pub use client::everything_a_client_asks_of_a_cluster;
pub use compressions::every_compression_is_read_back;
pub use handlers::{Fixture, poison_is_set_aside_and_the_rest_is_handled};
pub use refusals::what_is_refused_fails_alone;
pub use topic_life::a_topics_life;
