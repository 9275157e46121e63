//! The incremental parser: gives the same events however the stream is cut.

/// One dispatched event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The last id seen on the stream, this event's or an earlier one's; empty: none.
    pub last_id: String,
    /// The id line of this event itself; `None`: it had none.
    pub id: Option<String>,
    /// The event's name; `message` if it had none.
    pub name: String,
    /// The data lines, joined by LF.
    pub data: String,
}

/// A stream that is no event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of more than {0} bytes")]
pub struct TooLong(pub usize);

/// Feeds on bytes, gives events.
#[derive(Debug)]
pub struct Parser {
    line: Vec<u8>,
    after_cr: bool,
    at_start: bool,
    last_id: String,
    id: Option<String>,
    name: String,
    data: String,
    has_data: bool,
    retry_ms: Option<u64>,
    bytes_max: usize,
}

impl Parser {
    /// A parser that takes events of at most `bytes_max` bytes.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self {
            line: Vec::new(),
            after_cr: false,
            at_start: true,
            last_id: String::new(),
            id: None,
            name: String::new(),
            data: String::new(),
            has_data: false,
            retry_ms: None,
            bytes_max,
        }
    }

    /// The reconnection time that the stream asked for last.
    #[must_use]
    pub fn retry_ms(&self) -> Option<u64> {
        self.retry_ms
    }

    /// Takes the next bytes and hands each event that they complete to `dispatch`, in order.
    ///
    /// # Errors
    /// [`TooLong`] when a line or an event grows past the bound; the parser is of no use afterwards.
    pub fn feed(&mut self, mut bytes: &[u8], mut dispatch: impl FnMut(Frame)) -> Result<(), TooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = bytes.iter().position(|&byte| matches!(byte, b'\n' | b'\r')) else {
                self.line.extend_from_slice(bytes);
                return self.check_bound();
            };
            self.line.extend_from_slice(&bytes[..end]);
            self.check_bound()?;
            self.after_cr = bytes[end] == b'\r';
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.line);
            if let Some(frame) = self.end_of_line(&line) {
                dispatch(frame);
            }
            self.line = line;
            self.line.clear();
        }
        Ok(())
    }

    fn check_bound(&self) -> Result<(), TooLong> {
        if self.line.len() + self.data.len() > self.bytes_max { Err(TooLong(self.bytes_max)) } else { Ok(()) }
    }

    fn end_of_line(&mut self, line: &[u8]) -> Option<Frame> {
        let mut line = line;
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix("\u{FEFF}".as_bytes()).unwrap_or(line);
        }
        if line.is_empty() {
            return self.end_of_event();
        }
        let (field, value) = match line.iter().position(|&byte| byte == b':') {
            Some(0) => return None,
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &b""[..]),
        };
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match field {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push('\n');
                }
                self.data.push_str(&value);
            }
            b"event" => self.name = value.into_owned(),
            b"id" if !value.contains('\0') => {
                self.last_id.clear();
                self.last_id.push_str(&value);
                self.id = Some(value.into_owned());
            }
            b"retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry_ms = value.parse().ok().or(self.retry_ms);
            }
            _ => {}
        }
        None
    }

    fn end_of_event(&mut self) -> Option<Frame> {
        let name = std::mem::take(&mut self.name);
        let data = std::mem::take(&mut self.data);
        let id = self.id.take();
        if !std::mem::take(&mut self.has_data) {
            return None;
        }
        let name = if name.is_empty() { "message".to_owned() } else { name };
        Some(Frame { last_id: self.last_id.clone(), id, name, data })
    }
}
