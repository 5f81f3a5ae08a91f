//! A door before an upstream: shut, connections are refused; open, they go through.

use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

/// A door at an address of its own, which nobody else listens on while it is shut.
pub struct Door {
    /// Where it is.
    pub address: String,
    to: String,
    open: Mutex<Option<Open>>,
}

struct Open {
    shut: Arc<AtomicBool>,
    accepting: JoinHandle<()>,
}

impl Door {
    /// A door that is shut.
    ///
    /// # Panics
    ///
    /// Where the machine has no such address.
    #[must_use]
    pub fn shut_before(to: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::SeqCst) % 250 + 1;
        // Another host number for each: a port that is free for a while is nobody else's there.
        let host = format!("127.77.{}.{number}", std::process::id() % 250 + 1);
        let port = TcpListener::bind(format!("{host}:0")).unwrap().local_addr().unwrap().port();
        Self { address: format!("{host}:{port}"), to: to.to_owned(), open: Mutex::default() }
    }

    /// Lets connections through from now on.
    pub fn open(&self) {
        let mut open = self.open.lock().unwrap();
        if open.is_some() {
            return;
        }
        let listener = TcpListener::bind(&self.address).unwrap();
        let (shut, to) = (Arc::<AtomicBool>::default(), self.to.clone());
        let told = Arc::clone(&shut);
        let accepting = thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if told.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(inside) = TcpStream::connect(&to) {
                    join(&stream, &inside);
                }
            }
        });
        *open = Some(Open { shut, accepting });
    }

    /// Refuses connections from now on; those that are there stay.
    pub fn shut(&self) {
        if let Some(open) = self.open.lock().unwrap().take() {
            open.shut.store(true, Ordering::SeqCst);
            // Wakes it from its wait for the next one.
            let _ = TcpStream::connect(&self.address);
            open.accepting.join().unwrap();
        }
    }
}

/// Copies both ways until either side has ended.
fn join(outside: &TcpStream, inside: &TcpStream) {
    for (from, to) in [(outside, inside), (inside, outside)] {
        let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
        thread::spawn(move || {
            let _ = std::io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
