//! Proxies that do as they are told, HTTP and SOCKS5, and remember what they were asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// What a proxy was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// How: `CONNECT`, another method, or `SOCKS5`.
    pub how: String,
    /// Where to: an authority, or a URL in absolute form.
    pub to: String,
    /// Its `proxy-authorization`, or SOCKS5's `user:password`.
    pub credentials: Option<String>,
}

/// What a proxy does.
#[derive(Clone)]
pub enum Manner {
    /// It goes to this address, whatever it was asked for.
    Forward(String),
    /// It answers so and closes.
    Refuse(&'static [u8]),
}

/// A running proxy.
pub struct Proxy {
    /// Where it listens.
    pub address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Proxy {
    /// Starts an HTTP proxy.
    #[must_use]
    pub fn http(manner: Manner) -> Self {
        Self::start(manner, http)
    }

    /// Starts a SOCKS5 proxy. It takes user and password where they are offered; a refusal stands in for its last reply.
    #[must_use]
    pub fn socks5(manner: Manner) -> Self {
        Self::start(manner, socks5)
    }

    fn start(
        manner: Manner,
        serve: fn(&TcpStream, &Manner, &Mutex<Vec<Asked>>) -> std::io::Result<()>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let asked = Arc::default();
        let proxy = Self { address: listener.local_addr().unwrap().to_string(), asked: Arc::clone(&asked) };
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (manner, asked) = (manner.clone(), Arc::clone(&asked));
                thread::spawn(move || {
                    let _ = serve(&stream, &manner, &asked);
                    let _ = stream.shutdown(Shutdown::Both);
                });
            }
        });
        proxy
    }

    /// What it was asked so far.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn http(client: &TcpStream, manner: &Manner, asked: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let request = lines.first().cloned().unwrap_or_default();
    let mut words = request.split(' ').map(ToOwned::to_owned);
    let (how, to) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let of_proxy = |line: &&String| line.to_ascii_lowercase().starts_with("proxy-authorization:");
    let credentials =
        lines.iter().find(of_proxy).and_then(|line| line.split_once(": ")).map(|(_, value)| value.to_owned());
    asked.lock().unwrap().push(Asked { how: how.clone(), to: to.clone(), credentials });
    let address = match manner {
        Manner::Refuse(answer) => return (&*client).write_all(answer),
        Manner::Forward(address) => address,
    };
    let mut upstream = TcpStream::connect(address)?;
    if how == "CONNECT" {
        (&*client).write_all(b"HTTP/1.1 200 Connected\r\n\r\n")?;
    } else {
        let path = to.splitn(4, '/').nth(3).unwrap_or_default();
        let kept: Vec<String> = lines.iter().skip(1).filter(|line| !of_proxy(line)).cloned().collect();
        write!(upstream, "{how} /{path} HTTP/1.1\r\n{}\r\n\r\n", kept.join("\r\n"))?;
    }
    tunnel(&mut reader, client, upstream)
}

fn socks5(client: &TcpStream, manner: &Manner, asked: &Mutex<Vec<Asked>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let [_, count] = bytes(&mut reader)?;
    let methods = text(&mut reader, count)?;
    let credentials = if methods.contains('\u{2}') {
        (&*client).write_all(&[5, 2])?;
        let [_, length] = bytes(&mut reader)?;
        let user = text(&mut reader, length)?;
        let [length] = bytes(&mut reader)?;
        let password = text(&mut reader, length)?;
        (&*client).write_all(&[1, 0])?;
        Some(format!("{user}:{password}"))
    } else {
        (&*client).write_all(&[5, 0])?;
        None
    };
    let [_, _, _, kind] = bytes(&mut reader)?;
    let host = match kind {
        1 => Ipv4Addr::from(bytes::<4>(&mut reader)?).to_string(),
        4 => format!("[{}]", Ipv6Addr::from(bytes::<16>(&mut reader)?)),
        _ => {
            let [length] = bytes(&mut reader)?;
            text(&mut reader, length)?
        }
    };
    let port = u16::from_be_bytes(bytes(&mut reader)?);
    asked.lock().unwrap().push(Asked { how: "SOCKS5".to_owned(), to: format!("{host}:{port}"), credentials });
    match manner {
        Manner::Refuse(answer) => (&*client).write_all(answer),
        Manner::Forward(address) => {
            let upstream = TcpStream::connect(address)?;
            (&*client).write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
            tunnel(&mut reader, client, upstream)
        }
    }
}

fn bytes<const N: usize>(reader: &mut impl Read) -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    reader.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn text(reader: &mut impl Read, length: u8) -> std::io::Result<String> {
    let mut bytes = vec![0; usize::from(length)];
    reader.read_exact(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn tunnel(from: &mut impl Read, client: &TcpStream, mut upstream: TcpStream) -> std::io::Result<()> {
    let (mut down, mut to) = (upstream.try_clone()?, client.try_clone()?);
    thread::spawn(move || {
        let _ = std::io::copy(&mut down, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let _ = std::io::copy(from, &mut upstream);
    upstream.shutdown(Shutdown::Both)
}
