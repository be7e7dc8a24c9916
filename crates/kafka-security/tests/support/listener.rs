//! A listener that speaks as much of Kafka's protocol as signing in takes, well or badly.

use std::sync::Arc;

use kafka_core::net::Address;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const API_VERSIONS: i16 = 18;
const HANDSHAKE: i16 = 17;
const AUTHENTICATE: i16 = 36;

/// What it does when asked.
#[derive(Clone)]
pub(crate) enum Does {
    /// Answers with these bytes behind the correlation id.
    Answer(Vec<u8>),
    /// Sends these bytes instead of a frame.
    Raw(Vec<u8>),
    /// Says nothing for ever.
    Stall,
    /// Ends the connection.
    HangUp,
}

/// What it does at each step of signing in.
#[derive(Clone)]
pub(crate) struct Manners {
    pub(crate) handshake: Does,
    pub(crate) authenticate: Does,
}

/// Says which mechanisms there are, with an error code.
pub(crate) fn mechanisms(code: i16, names: &[&str]) -> Does {
    let mut body = code.to_be_bytes().to_vec();
    body.extend((names.len() as i32).to_be_bytes());
    names.iter().for_each(|name| string(&mut body, name));
    Does::Answer(body)
}

/// Answers a token, with an error code and words if it is none of 0.
pub(crate) fn token(code: i16, words: &str, token: &[u8]) -> Does {
    let mut body = code.to_be_bytes().to_vec();
    string(&mut body, words);
    body.extend((token.len() as i32).to_be_bytes());
    body.extend(token);
    body.extend(0_i64.to_be_bytes());
    Does::Answer(body)
}

fn string(body: &mut Vec<u8>, text: &str) {
    body.extend((text.len() as i16).to_be_bytes());
    body.extend(text.as_bytes());
}

/// Listens for as long as the test runs.
pub(crate) async fn listen(manners: Manners) -> Address {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Address::new("127.0.0.1", listener.local_addr().unwrap().port());
    let manners = Arc::new(manners);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, manners.clone()));
        }
    });
    address
}

async fn serve(mut stream: TcpStream, manners: Arc<Manners>) -> Option<()> {
    loop {
        let length = stream.read_i32().await.ok()?;
        let mut request = vec![0; usize::try_from(length).ok()?];
        stream.read_exact(&mut request).await.ok()?;
        let short = |at: usize| i16::from_be_bytes([request[at], request[at + 1]]);
        let does = match short(0) {
            API_VERSIONS => versions(short(2)),
            HANDSHAKE => manners.handshake.clone(),
            AUTHENTICATE => manners.authenticate.clone(),
            other => panic!("request {other} before signing in"),
        };
        match does {
            Does::Answer(body) => {
                let mut frame = (body.len() as i32 + 4).to_be_bytes().to_vec();
                frame.extend(&request[4..8]);
                frame.extend(body);
                stream.write_all(&frame).await.ok()?;
            }
            Does::Raw(bytes) => stream.write_all(&bytes).await.ok()?,
            Does::Stall => std::future::pending().await,
            Does::HangUp => return None,
        }
    }
}

/// Versions without tagged fields, to be written by hand.
fn versions(asked: i16) -> Does {
    let unsupported = 35_i16;
    let mut body = if asked == 0 { 0 } else { unsupported }.to_be_bytes().to_vec();
    body.extend(3_i32.to_be_bytes());
    for (key, newest) in [(API_VERSIONS, 0_i16), (HANDSHAKE, 1), (AUTHENTICATE, 1)] {
        body.extend(key.to_be_bytes());
        body.extend(0_i16.to_be_bytes());
        body.extend(newest.to_be_bytes());
    }
    Does::Answer(body)
}
