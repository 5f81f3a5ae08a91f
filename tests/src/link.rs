//! A connection, plain or TLS, that one thread may read while others write.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, Connection, HandshakeKind, ServerConfig, ServerConnection};

use crate::client::PATIENCE;

/// What is read of a socket at once.
const READ_SIZE: usize = 16 * 1024;

/// One end of a connection; a clone is the same end.
#[derive(Clone)]
pub struct Link {
    socket: Arc<TcpStream>,
    tls: Option<Arc<Tls>>,
}

struct Tls {
    session: Mutex<Session>,
    /// Held while records are written, so that they go in the order in which they were made.
    order: Mutex<()>,
}

struct Session {
    connection: Connection,
    /// Bytes that were read and not yet taken.
    raw: Vec<u8>,
}

impl From<TcpStream> for Link {
    fn from(socket: TcpStream) -> Self {
        Self { socket: Arc::new(socket), tls: None }
    }
}

impl Link {
    /// The server's end of TLS, once the handshake is done.
    ///
    /// # Errors
    ///
    /// Where the client does not come to an end with it.
    pub fn accept(socket: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<Self> {
        let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
        Self::shake(socket, connection.into())
    }

    /// Connects to a plain address.
    ///
    /// # Errors
    ///
    /// Where nobody listens.
    pub fn plain(address: &str) -> std::io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        Ok(socket.into())
    }

    /// Connects by TLS, whose handshake is done then.
    ///
    /// # Errors
    ///
    /// Where nobody listens, or nobody that is trusted.
    pub fn tls(address: &str, config: Arc<ClientConfig>) -> std::io::Result<Self> {
        let socket = TcpStream::connect(address)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        let name = ServerName::from(socket.peer_addr()?.ip());
        let connection = ClientConnection::new(config, name).map_err(std::io::Error::other)?;
        Self::shake(socket, connection.into())
    }

    fn shake(mut socket: TcpStream, mut connection: Connection) -> std::io::Result<Self> {
        while connection.is_handshaking() {
            connection.complete_io(&mut socket)?;
        }
        connection.set_buffer_limit(None);
        let session = Mutex::new(Session { connection, raw: Vec::new() });
        Ok(Self { socket: Arc::new(socket), tls: Some(Arc::new(Tls { session, order: Mutex::default() })) })
    }

    /// The protocol that both sides agreed on by ALPN.
    #[must_use]
    pub fn protocol(&self) -> Option<String> {
        let session = self.tls.as_ref()?.session.lock().unwrap();
        session.connection.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned())
    }

    /// Whether its TLS resumed an earlier session.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        let Some(tls) = &self.tls else { return false };
        tls.session.lock().unwrap().connection.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// How long a read may take.
    pub fn patience(&self, wait: Duration) {
        self.socket.set_read_timeout(Some(wait)).unwrap();
    }

    /// Says by TLS that nothing more is sent, and closes nothing.
    ///
    /// # Panics
    ///
    /// Where TLS is not spoken.
    pub fn end_tls(&self) {
        let tls = self.tls.as_ref().expect("TLS is spoken");
        let _order = tls.order.lock().unwrap();
        let mut records = Vec::new();
        let mut session = tls.session.lock().unwrap();
        session.connection.send_close_notify();
        while session.connection.wants_write() {
            session.connection.write_tls(&mut records).unwrap();
        }
        (&*self.socket).write_all(&records).unwrap();
    }

    /// Ends the connection both ways, over TLS without a word.
    pub fn close(&self) {
        let _ = self.socket.shutdown(Shutdown::Both);
    }
}

impl Read for Link {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let Some(tls) = &self.tls else { return (&*self.socket).read(buffer) };
        loop {
            let mut session = tls.session.lock().unwrap();
            match session.connection.reader().read(buffer) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                read => return read,
            }
            if session.raw.is_empty() {
                drop(session);
                let mut raw = vec![0; READ_SIZE];
                let count = (&*self.socket).read(&mut raw)?;
                if count == 0 {
                    return Ok(0);
                }
                raw.truncate(count);
                tls.session.lock().unwrap().raw = raw;
                continue;
            }
            let Session { connection, raw } = &mut *session;
            let taken = connection.read_tls(&mut raw.as_slice())?;
            raw.drain(..taken);
            connection.process_new_packets().map_err(std::io::Error::other)?;
        }
    }
}

impl Write for Link {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let Some(tls) = &self.tls else { return (&*self.socket).write(bytes) };
        let _order = tls.order.lock().unwrap();
        let mut records = Vec::new();
        let mut session = tls.session.lock().unwrap();
        session.connection.writer().write_all(bytes)?;
        while session.connection.wants_write() {
            session.connection.write_tls(&mut records)?;
        }
        drop(session);
        // The other side may be slow to read; it can be read from all the while.
        (&*self.socket).write_all(&records)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
