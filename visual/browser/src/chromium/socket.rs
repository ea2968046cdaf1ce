//! A connection to a browser's own protocol (the Chrome DevTools Protocol, over a WebSocket), and
//! a running note of what the browser tells of its own accord.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures_util::{SinkExt, StreamExt, stream::SplitStream};
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::{
    net::TcpStream,
    sync::{mpsc, oneshot, watch},
    task::JoinHandle,
    time::{Instant, timeout},
};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{Message, protocol::WebSocketConfig},
};
use url::Url;

use super::{
    headers::Given,
    trace::{Requested, Trace},
};
use crate::wire::{Fault, first_line};

/// The longest message: the picture of a very long page.
const LONGEST: usize = 1 << 30;
/// For a connection on this machine.
const CONNECT: Duration = Duration::from_secs(10);

/// What the browser has told so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// How often something was painted anew.
    pub(crate) paints: u64,
    /// When that was last.
    pub(crate) painted: Option<Instant>,
    /// How often anything came or went over the network.
    pub(crate) traffic: u64,
    /// Resources that are still on their way and that a picture could show.
    pub(crate) open: BTreeSet<String>,
    /// What scripts have asked for and wait for.
    pub(crate) asked: BTreeSet<String>,
    /// When the last of either came.
    pub(crate) came: Option<Instant>,
    /// A frame of the page runs in a process of its own, of which nothing is told.
    pub(crate) apart: bool,
    /// The documents of the main frame since this was last cleared, by their loader.
    pub(crate) documents: Vec<String>,
    /// The document whose load event came last.
    pub(crate) loaded: Option<String>,
    /// Why nothing more will come.
    pub(crate) lost: Option<String>,
    /// What `WebKit` tells instead of some of these.
    pub(crate) webkit: WebKitTold,
}

/// `WebKit` speaks of its pages as targets of one connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct WebKitTold {
    /// The page that commands are for.
    pub(crate) target: Option<String>,
    /// How many load events there were.
    pub(crate) loads: u64,
    /// How many documents the main frame had.
    pub(crate) documents: u64,
    /// The last document of each frame.
    pub(crate) visits: BTreeMap<String, Visit>,
}

/// A document that was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visit {
    request: String,
    /// 0 until there is an answer.
    pub(crate) status: u16,
    /// Why none came.
    pub(crate) failed: Option<String>,
}

/// A connection. It ends when this is dropped.
pub(crate) struct Socket {
    out: mpsc::UnboundedSender<Message>,
    next: AtomicU64,
    pending: Arc<Pending>,
    told: Arc<watch::Sender<Told>>,
    given: Arc<Mutex<Given>>,
    trace: Arc<Mutex<Option<Trace>>>,
    tasks: [JoinHandle<()>; 2],
    /// Commands are for a target of the connection, which is told of it.
    targeted: bool,
}

/// As it was sent: the longest answers are pictures and records of layouts, and only whoever asked
/// knows what is in them.
type Answer = Result<Box<RawValue>, Fault>;
type Pending = Mutex<HashMap<u64, oneshot::Sender<Answer>>>;

impl Socket {
    pub(crate) async fn connect(address: &str) -> Result<Self, Fault> {
        Self::dial(address, false).await
    }

    /// A connection to a page of `WebKit`.
    pub(crate) async fn connect_to_target(address: &str) -> Result<Self, Fault> {
        Self::dial(address, true).await
    }

    async fn dial(address: &str, targeted: bool) -> Result<Self, Fault> {
        let stream = match timeout(CONNECT, dial(address)).await {
            Ok(stream) => stream.map_err(Fault::Lost)?,
            Err(_) => return Err(Fault::Deadline(CONNECT)),
        };
        let (mut sink, stream) = stream.split();
        let (out, mut outgoing) = mpsc::unbounded_channel();
        let pending = Arc::new(Pending::default());
        let told = Arc::new(watch::Sender::new(Told::default()));
        let (given, trace) = (Arc::default(), Arc::default());
        let writer = tokio::spawn(async move {
            while let Some(message) = outgoing.recv().await {
                if sink.send(message).await.is_err() {
                    break;
                }
            }
        });
        let reader = Reader {
            pending: Arc::clone(&pending),
            told: Arc::clone(&told),
            given: Arc::clone(&given),
            trace: Arc::clone(&trace),
            out: out.clone(),
            main_frame: None,
            targeted,
        };
        let reader = tokio::spawn(reader.run(stream));
        let (next, tasks) = (AtomicU64::new(1), [writer, reader]);
        Ok(Self { out, next, pending, told, given, trace, tasks, targeted })
    }

    /// Sends a command and waits for its answer.
    pub(crate) async fn call(
        &self,
        method: &str,
        params: &Value,
        limit: Duration,
    ) -> Result<Value, Fault> {
        let answer = self.ask(method, params, limit).await?;
        serde_json::from_str(answer.get())
            .map_err(|error| Fault::Answer("error".to_owned(), error.to_string()))
    }

    /// The same, with the answer as it was sent.
    pub(crate) async fn ask(&self, method: &str, params: &Value, limit: Duration) -> Answer {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (answer, answered) = oneshot::channel();
        if let Ok(mut pending) = self.pending.lock() {
            pending.insert(id, answer);
        }
        // After it was put down, so that whoever ends the connection finds it.
        if let Some(reason) = &self.told.borrow().lost {
            return Err(Fault::Lost(reason.clone()));
        }
        let _waits = Waiting { id, pending: &self.pending };
        let mut command = json!({ "id": id, "method": method, "params": params });
        if self.targeted {
            let target = self.told.borrow().webkit.target.clone();
            let params = json!({ "targetId": target, "message": command.to_string() });
            command = json!({ "id": 0, "method": "Target.sendMessageToTarget", "params": params });
        }
        if self.out.send(Message::text(command.to_string())).is_err() {
            return Err(Fault::Lost("the browser closed the connection".to_owned()));
        }
        match timeout(limit, answered).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Fault::Lost("the browser closed the connection".to_owned())),
            Err(_) => Err(Fault::Deadline(limit)),
        }
    }

    /// What requests that the browser holds up are given before they go on.
    pub(crate) fn send_along(&self, given: Given) {
        if let Ok(mut held) = self.given.lock() {
            *held = given;
        }
    }

    /// Begins to note what is asked for, or ends that; gives what was.
    pub(crate) fn trace(&self, is_on: bool) -> Vec<Requested> {
        let new = is_on.then(Trace::default);
        let old = self.trace.lock().ok().and_then(|mut trace| mem::replace(&mut *trace, new));
        old.map(Trace::end).unwrap_or_default()
    }

    /// What the browser has told.
    pub(crate) fn told(&self) -> &watch::Sender<Told> {
        &self.told
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Takes a question back that nobody waits for any more.
struct Waiting<'a> {
    id: u64,
    pending: &'a Pending,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Ok(mut pending) = self.pending.lock() {
            pending.remove(&self.id);
        }
    }
}

async fn dial(address: &str) -> Result<WebSocketStream<TcpStream>, String> {
    let url = Url::parse(address).map_err(|error| error.to_string())?;
    let (Some(host), Some(port)) = (url.host_str(), url.port()) else {
        return Err(format!("{address} names no port"));
    };
    let stream = TcpStream::connect((host, port)).await.map_err(|error| error.to_string())?;
    stream.set_nodelay(true).map_err(|error| error.to_string())?;
    let mut config = WebSocketConfig::default();
    config.max_message_size = Some(LONGEST);
    config.max_frame_size = Some(LONGEST);
    let (stream, _) = client_async_with_config(address, stream, Some(config))
        .await
        .map_err(|error| error.to_string())?;
    Ok(stream)
}

/// Takes in what the browser sends.
struct Reader {
    pending: Arc<Pending>,
    told: Arc<watch::Sender<Told>>,
    given: Arc<Mutex<Given>>,
    trace: Arc<Mutex<Option<Trace>>>,
    out: mpsc::UnboundedSender<Message>,
    /// The frame without a parent, once it is known.
    main_frame: Option<String>,
    targeted: bool,
}

#[derive(Deserialize)]
struct Incoming<'a> {
    #[serde(default)]
    id: u64,
    #[serde(default)]
    method: String,
    #[serde(default, borrow)]
    params: Option<&'a RawValue>,
    #[serde(default, borrow)]
    result: Option<&'a RawValue>,
    error: Option<Value>,
    /// WebDriver BiDi has the text of an error beside it.
    #[serde(default)]
    message: String,
}

impl Reader {
    async fn run(mut self, mut stream: SplitStream<WebSocketStream<TcpStream>>) {
        let reason = loop {
            match stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    if let Ok(incoming) = serde_json::from_str::<Incoming<'_>>(&text) {
                        self.take(incoming);
                    }
                }
                Some(Ok(Message::Close(_))) | None => {
                    break "the browser closed the connection".to_owned();
                }
                Some(Ok(_)) => {}
                Some(Err(error)) => break first_line(&error.to_string()),
            }
        };
        self.lose(&reason);
    }

    fn lose(&self, reason: &str) {
        self.told.send_modify(|told| told.lost = Some(reason.to_owned()));
        let waiting = self.pending.lock().map(|mut pending| mem::take(&mut *pending));
        for (_, waiting) in waiting.unwrap_or_default() {
            let _ = waiting.send(Err(Fault::Lost(reason.to_owned())));
        }
    }

    fn take(&mut self, incoming: Incoming<'_>) {
        if incoming.id == 0 {
            let params = incoming.params.and_then(|raw| serde_json::from_str(raw.get()).ok());
            let params: Value = params.unwrap_or_default();
            if self.targeted {
                return self.note_target(&incoming.method, &params);
            }
            return self.note(&incoming.method, &params);
        }
        let waiting = self.pending.lock().ok().and_then(|mut all| all.remove(&incoming.id));
        let Some(waiting) = waiting else { return };
        let answer = match incoming.error {
            None => Ok(incoming.result.unwrap_or(RawValue::NULL).to_owned()),
            Some(error) => {
                let beside = Some(incoming.message.as_str()).filter(|text| !text.is_empty());
                let text = error["message"].as_str().or(beside).unwrap_or("the browser said no");
                let data = error["data"].as_str().unwrap_or_default();
                Err(Fault::Answer("error".to_owned(), first_line(&format!("{text} {data}"))))
            }
        };
        let _ = waiting.send(answer);
    }

    fn note(&mut self, method: &str, params: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match method {
            "LayerTree.layerTreeDidChange" => self.told.send_modify(|told| {
                told.paints += 1;
                told.painted = Some(Instant::now());
            }),
            "Page.frameNavigated" if params["frame"]["parentId"].is_null() => {
                let frame = &params["frame"];
                self.main_frame = Some(text(&frame["id"]));
                self.told.send_modify(|told| told.documents.push(text(&frame["loaderId"])));
            }
            "Page.lifecycleEvent"
                if params["name"] == "load"
                    && params["frameId"].as_str() == self.main_frame.as_deref() =>
            {
                self.told.send_modify(|told| told.loaded = Some(text(&params["loaderId"])));
            }
            "Page.javascriptDialogOpening" => {
                // A page that asks a question must not hold up the picture; leaving it is fine.
                let accept = params["type"] == "beforeunload";
                self.reply("Page.handleJavaScriptDialog", &json!({ "accept": accept }));
            }
            "Fetch.requestPaused" => {
                let given = self.given.lock().map(|given| given.clone()).unwrap_or_default();
                self.reply("Fetch.continueRequest", &given.going_on(params));
            }
            "Target.attachedToTarget" => self.told.send_modify(|told| told.apart = true),
            "Inspector.targetCrashed" => self.lose("tab crashed"),
            "Inspector.detached" => self.lose("the tab was closed"),
            _ if method.starts_with("Network.") => self.note_traffic(method, params),
            _ => {}
        }
    }

    /// Says what the browser waits for; nobody waits for what it says to that.
    fn reply(&self, method: &str, params: &Value) {
        let command = json!({ "id": 0, "method": method, "params": params });
        let _ = self.out.send(Message::text(command.to_string()));
    }

    /// What `WebKit` tells; what its page tells stands in a message within the message.
    fn note_target(&mut self, method: &str, params: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let visit = |change: &dyn Fn(&mut WebKitTold)| {
            self.told.send_modify(|told| change(&mut told.webkit));
        };
        // The page that it shows in place of another one is empty by its address.
        let is_empty = params["request"]["url"] == "about:blank";
        let is_document = params["type"] == "Document" && !is_empty;
        match method {
            "Target.dispatchMessageFromTarget" => {
                if let Ok(inner) = serde_json::from_str(params["message"].as_str().unwrap_or("")) {
                    self.take(inner);
                }
            }
            "Target.targetCreated" if params["targetInfo"]["isProvisional"] != true => {
                visit(&|told| told.target = Some(text(&params["targetInfo"]["targetId"])));
            }
            "Target.didCommitProvisionalTarget" => {
                visit(&|told| told.target = Some(text(&params["newTargetId"])));
            }
            "Page.frameNavigated" if params["frame"]["parentId"].is_null() => {
                visit(&|told| told.documents += 1);
            }
            "Page.loadEventFired" => visit(&|told| told.loads += 1),
            "Network.requestWillBeSent" if is_document => visit(&|told| {
                let request = text(&params["requestId"]);
                told.visits.insert(text(&params["frameId"]), Visit { request, ..Visit::default() });
            }),
            "Network.responseReceived" if is_document => visit(&|told| {
                let request = text(&params["requestId"]);
                for visit in told.visits.values_mut().filter(|visit| visit.request == request) {
                    visit.status = params["response"]["status"].as_u64().unwrap_or(0) as u16;
                }
            }),
            "Network.loadingFailed" => visit(&|told| {
                let request = text(&params["requestId"]);
                for visit in told.visits.values_mut().filter(|visit| visit.request == request) {
                    visit.failed = Some(text(&params["errorText"]));
                }
            }),
            _ => {}
        }
    }

    fn note_traffic(&self, method: &str, params: &Value) {
        if let Ok(mut trace) = self.trace.lock()
            && let Some(trace) = &mut *trace
        {
            trace.note(method, params);
        }
        self.told.send_modify(|told| {
            told.traffic += 1;
            let request = || params["requestId"].as_str().unwrap_or_default().to_owned();
            let is_shown = || {
                let kind = params["type"].as_str().unwrap_or_default();
                matches!(kind, "Image" | "Font" | "Stylesheet" | "Media" | "Document" | "Script")
            };
            match method {
                "Network.requestWillBeSent" if is_shown() => {
                    told.open.insert(request());
                }
                "Network.requestWillBeSent"
                    if matches!(params["type"].as_str(), Some("Fetch" | "XHR")) =>
                {
                    told.asked.insert(request());
                }
                "Network.loadingFinished"
                | "Network.loadingFailed"
                | "Network.requestServedFromCache" => {
                    let was_wanted = told.open.remove(&request()) | told.asked.remove(&request());
                    told.came = if was_wanted { Some(Instant::now()) } else { told.came };
                }
                _ => {}
            }
        });
    }
}
