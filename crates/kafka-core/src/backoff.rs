//! Waiting longer after each failure, with jitter (KIP-580).
