//! TLS sessions that may be resumed, which spares a server and us most of a handshake.
//!
//! rustls' own store keeps 8 tickets of a server. A connection takes one, so that a burst of cold connections would
//! resume 8 of them.

use std::collections::{HashMap, VecDeque};

use parking_lot::Mutex;
use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// Tickets that are kept of one server.
const TICKETS_MAX: usize = 64;

/// Servers of which any are kept.
const SERVERS_MAX: usize = 256;

/// The sessions with all servers.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<ServerName<'static>, Server>>);

/// What is known of one server.
#[derive(Default)]
struct Server {
    group: Option<NamedGroup>,
    session: Option<Tls12ClientSessionValue>,
    /// Oldest first.
    tickets: VecDeque<Tls13ClientSessionValue>,
}

impl Sessions {
    fn of<T>(&self, name: &ServerName<'_>, look: impl FnOnce(&mut Server) -> Option<T>) -> Option<T> {
        self.0.lock().get_mut(&name.to_owned()).and_then(look)
    }

    fn note(&self, name: ServerName<'static>, change: impl FnOnce(&mut Server)) {
        let mut all = self.0.lock();
        // Whichever it is, it is a handshake more.
        let full = all.len() >= SERVERS_MAX && !all.contains_key(&name);
        if let Some(any) = all.keys().next().filter(|_| full).cloned() {
            all.remove(&any);
        }
        change(all.entry(name).or_default());
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.note(name, |server| server.group = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.of(name, |server| server.group)
    }

    fn set_tls12_session(&self, name: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.note(name, |server| server.session = Some(session));
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.of(name, |server| server.session.clone())
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.of(name, |server| server.session.take());
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.note(name, |server| {
            if server.tickets.len() >= TICKETS_MAX {
                server.tickets.pop_front();
            }
            server.tickets.push_back(ticket);
        });
    }

    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.of(name, |server| server.tickets.pop_back())
    }
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}
