use bytes::Bytes;

use super::fill::Fill;
pub use super::fill::Filler;
use super::frame::read_response_header;
use super::messages::{self, for_each_message};
use super::wire::Structure;
use super::{ApiKey, Decoder, Encoder, Message, ReadVersionedError, message};

/// One message at one version, whatever its type is.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Its name in Kafka's schemas.
    pub name: &'static str,
    /// The version that is read and written.
    pub version: i16,
    request_of: Option<ApiKey>,
    response_of: Option<ApiKey>,
    flexible: bool,
    read: fn(&mut Decoder, i16) -> Result<(), ReadVersionedError>,
    write: fn(&mut Filler, &mut Encoder, i16),
}

impl Shape {
    fn of<M: Message + Structure + Fill>(version: i16) -> Self {
        Self {
            name: M::NAME,
            version,
            request_of: M::NAME.strip_suffix("Request").and_then(api),
            response_of: M::NAME.strip_suffix("Response").and_then(api),
            flexible: version >= M::FLEXIBLE_FROM,
            read: |decoder, version| message::read::<M>(decoder, version).map(drop),
            // Everything that the version has can be written, so nothing is left out.
            write: |filler, encoder, version| {
                drop(message::write(&M::fill(filler, version), encoder, version))
            },
        }
    }

    /// The API whose request this is.
    pub fn request_of(&self) -> Option<ApiKey> {
        self.request_of
    }

    /// The API whose response this is.
    pub fn response_of(&self) -> Option<ApiKey> {
        self.response_of
    }

    /// Whether tagged fields end the header.
    fn has_flexible_header(&self) -> bool {
        self.flexible && self.response_of() != Some(ApiKey::ApiVersions)
    }

    /// Reads the message, and how many bytes are left behind it; before a response, its header.
    ///
    /// # Errors
    /// The bytes are no such message.
    pub fn read(&self, bytes: Bytes) -> Result<usize, ReadVersionedError> {
        let mut decoder = Decoder::new(bytes);
        if self.response_of().is_some() {
            read_response_header(&mut decoder, self.has_flexible_header())?;
        }
        (self.read)(&mut decoder, self.version)?;
        Ok(decoder.remaining())
    }

    /// What comes before the message in its frame: nothing, where it travels inside of others.
    pub fn header(&self, correlation_id: i32) -> Vec<u8> {
        let (request, response) = (self.request_of(), self.response_of());
        let mut header = Vec::new();
        if let Some(api) = request {
            header.extend(api.code().to_be_bytes());
            header.extend(self.version.to_be_bytes());
        }
        if request.or(response).is_some() {
            header.extend(correlation_id.to_be_bytes());
        }
        if request.is_some() {
            // No client id: null.
            header.extend((-1i16).to_be_bytes());
        }
        if request.or(response).is_some() && self.has_flexible_header() {
            header.push(0);
        }
        header
    }

    /// A frame without its length: the message with what the filler draws, behind its header.
    pub fn draw(&self, filler: &mut Filler) -> Vec<u8> {
        let mut frame = self.header(filler.random().i32(..));
        let mut encoder = Encoder::new();
        (self.write)(filler, &mut encoder, self.version);
        frame.extend(encoder.finish().concat());
        frame
    }
}

fn api(name: &str) -> Option<ApiKey> {
    ApiKey::ALL.iter().copied().find(|key| key.to_string() == name)
}

/// Every message at every version.
pub fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    macro_rules! add {
        ($name:ident) => {
            shapes.extend(<messages::$name as Message>::VERSIONS.map(Shape::of::<messages::$name>));
        };
    }
    for_each_message!(add);
    shapes
}
