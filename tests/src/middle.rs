//! Others' gateways, as processes between ours and an upstream of Chat Completions.

use std::fs::File;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::gateway::{LOOK_AGAIN, SECRET};
use crate::kits;
use crate::place::{Folder, lone_address};
use crate::upstream::Upstream;

/// Python reads a thousand files before LiteLLM listens.
const STARTS: Duration = Duration::from_secs(180);

/// A running one, whose key is [`SECRET`].
pub struct Middle {
    /// Where it listens.
    pub address: String,
    folder: Folder,
    child: Child,
}

impl Middle {
    /// LiteLLM's proxy.
    #[must_use]
    pub fn litellm(upstream: &Upstream) -> Self {
        Self::start(|folder, address| {
            let model = json!({ "model": "openai/up", "api_key": "any", "api_base": format!("http://{}/v1", upstream.address) });
            let config = json!({ "model_list": [{ "model_name": "*", "litellm_params": model }],
                "general_settings": { "master_key": SECRET } });
            let file = folder.0.join("config.yaml");
            std::fs::write(&file, config.to_string()).unwrap();
            let (host, port) = address.rsplit_once(':').unwrap();
            let mut command = kits::at_home(kits::beside_python("litellm"), &folder.0);
            command.arg("--config").arg(file).args(["--host", host, "--port", port, "--telemetry", "False"]);
            // Its list of prices would be fetched.
            command.env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
            command
        })
    }

    /// claude-code-router.
    #[must_use]
    pub fn router(upstream: &Upstream) -> Self {
        Self::start(|folder, address| {
            let (host, port) = address.rsplit_once(':').unwrap();
            let provider = json!({ "name": "up", "api_key": "any", "models": ["up"],
                "api_base_url": format!("http://{}/v1/chat/completions", upstream.address) });
            let config = json!({ "HOST": host, "PORT": port.parse::<u16>().unwrap(), "APIKEY": SECRET, "LOG": false,
                "NON_INTERACTIVE_MODE": true, "Providers": [provider], "Router": { "default": "up,up" } });
            let file: PathBuf = folder.sub(".claude-code-router").join("config.json");
            std::fs::write(file, config.to_string()).unwrap();
            let mut command = kits::scripted("@musistudio/claude-code-router/dist/cli.js", &folder.0);
            command.arg("start");
            command
        })
    }

    fn start(command: impl FnOnce(&Folder, &str) -> Command) -> Self {
        let (folder, address) = (Folder::new(), lone_address());
        let log = File::create(folder.0.join("log")).unwrap();
        let mut command = command(&folder, &address);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        let child = command.spawn().unwrap();
        let mut middle = Self { address, folder, child };
        let deadline = Instant::now() + STARTS;
        while TcpStream::connect(&middle.address).is_err() {
            let ended = middle.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < deadline, "it does not listen: {}", middle.log());
            thread::park_timeout(LOOK_AGAIN);
        }
        middle
    }

    /// What it has said.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.0.join("log")).unwrap_or_default()
    }
}

impl Drop for Middle {
    /// Who watches it hands on what it is sent.
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}
