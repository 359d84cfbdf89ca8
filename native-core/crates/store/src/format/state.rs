//! The state object: what a state root names. One link for each domain of the state, and which metadata is hashed.

use super::cbor::{Reader, Writer};
use super::constants::FORMAT_VERSION;
use super::failure::{FormatError, Result, demand, refuse};
use super::id::{Codec, Link};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Entries carry their owners.
    pub has_owner: bool,
    /// Entries carry their extended attributes.
    pub has_xattrs: bool,
    /// The node of the governed tree's root directory.
    pub files: Link,
    pub contracts: Option<Link>,
    pub boxes: Option<Link>,
    pub services: Option<Link>,
    /// The raw object that holds the exact bytes of the settings in force.
    pub settings: Option<Link>,
}

impl State {
    /// Every link, in the order in which a walk looks at them.
    pub fn links(&self) -> impl Iterator<Item = Link> {
        [Some(self.files), self.contracts, self.boxes, self.services, self.settings].into_iter().flatten()
    }
}

pub fn decode_state(bytes: &[u8]) -> Result<State> {
    let mut reader = Reader::new(bytes);
    let mut version = None;
    let (mut files, mut contracts, mut boxes, mut services, mut settings) = (None, None, None, None, None);
    let mut meta = (false, false);
    reader.pairs(|reader, key| {
        match key {
            "v" => version = Some(reader.unsigned()?),
            "meta" => meta = read_meta(reader)?,
            "files" => files = Some(link_of(reader, Codec::DagCbor)?),
            "contracts" => contracts = Some(link_of(reader, Codec::DagCbor)?),
            "boxes" => boxes = Some(link_of(reader, Codec::DagCbor)?),
            "services" => services = Some(link_of(reader, Codec::DagCbor)?),
            "settings" => settings = Some(link_of(reader, Codec::Raw)?),
            _ => return refuse("a state with an unknown part"),
        }
        Ok(())
    })?;
    reader.end()?;
    demand(version == Some(FORMAT_VERSION), "a state of an unknown version")?;
    let files = files.ok_or_else(|| FormatError::new("a state without files"))?;
    Ok(State { has_owner: meta.0, has_xattrs: meta.1, files, contracts, boxes, services, settings })
}

pub fn encode_state(state: &State) -> Vec<u8> {
    let optional = [
        ("boxes", state.boxes),
        ("services", state.services),
        ("settings", state.settings),
        ("contracts", state.contracts),
    ];
    let has_meta = state.has_owner || state.has_xattrs;
    let mut writer = Writer::default();
    writer.map(2 + usize::from(has_meta) + optional.iter().filter(|(_, link)| link.is_some()).count());
    writer.text("v");
    writer.unsigned(FORMAT_VERSION);
    if has_meta {
        writer.text("meta");
        writer.list(usize::from(state.has_owner) + usize::from(state.has_xattrs));
        for (name, there) in [("owner", state.has_owner), ("xattrs", state.has_xattrs)] {
            if there {
                writer.text(name);
            }
        }
    }
    let (boxes, others) = optional.split_at(1);
    for (name, link) in boxes.iter().chain([("files", Some(state.files))].iter()).chain(others) {
        if let Some(link) = link {
            writer.text(name);
            writer.link(link);
        }
    }
    writer.bytes
}

fn link_of(reader: &mut Reader<'_>, codec: Codec) -> Result<Link> {
    let link = reader.link()?;
    demand(link.codec == codec, "a part of a state is a link of the wrong codec")?;
    Ok(link)
}

fn read_meta(reader: &mut Reader<'_>) -> Result<(bool, bool)> {
    let count = reader.list()?;
    let owner = count > 0 && reader.has_key("owner");
    let xattrs = count > usize::from(owner) && reader.has_key("xattrs");
    let found = usize::from(owner) + usize::from(xattrs);
    demand(count > 0 && found == count, "metadata names are unknown, or not unique and sorted")?;
    Ok((owner, xattrs))
}
