//! A token endpoint that says what it was told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub(crate) struct TokenEndpoint {
    pub(crate) url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// What it does with one request.
#[derive(Clone)]
pub(crate) enum Reply {
    /// Answers with this status line and body.
    Answer(&'static str, String),
    /// Closes the connection.
    HangUp,
    /// Says nothing for ever.
    Stall,
    /// Sends this as it is.
    Raw(Vec<u8>),
}

impl TokenEndpoint {
    /// Replies in turn; the last one is for all that come later.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/token?tenant=1", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let log = requests.clone();
        let mut replies: VecDeque<Reply> = replies.into_iter().collect();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let reply = if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() };
                tokio::spawn(serve(stream, reply.unwrap(), log.clone()));
            }
        });
        Self { url, requests }
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, reply: Reply, log: Arc<Mutex<Vec<String>>>) {
    let mut request = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
            if body.len() >= length.map_or(0, |length| length.trim().parse().unwrap()) {
                break;
            }
        }
        if stream.read_buf(&mut request).await.unwrap() == 0 {
            return;
        }
    }
    log.lock().unwrap().push(String::from_utf8(request).unwrap());
    match reply {
        Reply::Answer(status, body) => {
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let _ = stream.write_all(answer.as_bytes()).await;
        }
        Reply::HangUp => {}
        Reply::Stall => std::future::pending().await,
        Reply::Raw(bytes) => {
            let _ = stream.write_all(&bytes).await;
        }
    }
}
