//! The devices of a sound server, and which of them is meant.

use std::ffi::{CStr, CString};

use pulseaudio::protocol::{Command, ServerInfo, SourceInfo, SourceInfoList};

use super::connection::Connection;
use super::failure::Failure;
use crate::capture::sound::{SoundDevice, SoundRole, SoundWanted};

/// What a server has.
pub(super) struct Devices {
    server: ServerInfo,
    sources: SourceInfoList,
}

fn text(name: &CStr) -> String {
    name.to_string_lossy().into_owned()
}

fn role(source: &SourceInfo) -> SoundRole {
    if source.monitor_of_sink_index.is_some() { SoundRole::System } else { SoundRole::Microphone }
}

impl Devices {
    /// Asks the server.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) fn of(connection: &mut Connection) -> Result<Self, Failure> {
        Ok(Self {
            server: connection.ask(&Command::GetServerInfo)?,
            sources: connection.ask(&Command::GetSourceInfoList)?,
        })
    }

    /// Returns the name and version of the server.
    pub(super) fn server(&self) -> String {
        let said = [&self.server.server_name, &self.server.server_version];
        said.into_iter().flatten().map(|said| text(said)).collect::<Vec<_>>().join(" ")
    }

    /// Returns whether PipeWire serves the protocol.
    pub(super) fn is_pipewire(&self) -> bool {
        self.server.server_name.as_deref().is_some_and(|name| text(name).contains("PipeWire"))
    }

    /// Lists them.
    pub(super) fn list(&self) -> Vec<SoundDevice> {
        let default = |role| self.default(role).map(|source| source.index);
        let (system, microphone) = (default(SoundRole::System), default(SoundRole::Microphone));
        let listed = |source: &SourceInfo| SoundDevice {
            id: text(&source.name),
            title: source.description.as_deref().map(text).unwrap_or_default(),
            role: role(source),
            is_default: [system, microphone].contains(&Some(source.index)),
            rate: Some(source.sample_spec.sample_rate),
            channels: Some(source.sample_spec.channels.into()),
        };
        self.sources.iter().map(listed).collect()
    }

    /// Returns the device that is meant by a role alone: what the default sink plays, or the default microphone. A server without a
    /// microphone calls a monitor its default source; that is none.
    fn default(&self, wanted: SoundRole) -> Option<&SourceInfo> {
        let mut of_role = self.sources.iter().filter(|source| role(source) == wanted);
        let is_default = |source: &&SourceInfo| match wanted {
            SoundRole::System => source.monitor_of_sink_name == self.server.default_sink_name,
            SoundRole::Microphone => Some(&source.name) == self.server.default_source_name.as_ref(),
        };
        of_role.clone().find(is_default).or_else(|| of_role.next())
    }

    /// Returns the device that is wanted; that of a sink is its monitor.
    pub(super) fn find(&self, wanted: &SoundWanted) -> Option<&SourceInfo> {
        match wanted {
            SoundWanted::Role(role) => self.default(*role),
            SoundWanted::Device(id) => {
                let id = CString::new(id.as_str()).ok()?;
                let named = |source: &&SourceInfo| source.name == id;
                let monitor = |source: &&SourceInfo| source.monitor_of_sink_name.as_ref() == Some(&id);
                self.sources.iter().find(named).or_else(|| self.sources.iter().find(monitor))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(index: u32, name: &CStr, monitor_of: Option<&CStr>) -> SourceInfo {
        SourceInfo {
            index,
            name: name.to_owned(),
            monitor_of_sink_index: monitor_of.map(|_| index),
            monitor_of_sink_name: monitor_of.map(CStr::to_owned),
            ..SourceInfo::default()
        }
    }

    fn devices(default_sink: &CStr, default_source: &CStr) -> Devices {
        let server = ServerInfo {
            default_sink_name: Some(default_sink.to_owned()),
            default_source_name: Some(default_source.to_owned()),
            ..ServerInfo::default()
        };
        let sources = vec![
            source(0, c"hdmi.monitor", Some(c"hdmi")),
            source(1, c"speakers.monitor", Some(c"speakers")),
            source(2, c"room", None),
            source(3, c"headset", None),
        ];
        Devices { server, sources }
    }

    fn found(devices: &Devices, wanted: &SoundWanted) -> Option<u32> {
        devices.find(wanted).map(|source| source.index)
    }

    #[test]
    fn the_default_devices_are_the_servers_and_never_of_the_other_kind() {
        let usual = devices(c"speakers", c"headset");
        let system = SoundWanted::Role(SoundRole::System);
        let microphone = SoundWanted::Role(SoundRole::Microphone);
        assert_eq!((found(&usual, &system), found(&usual, &microphone)), (Some(1), Some(3)));
        // As servers answer that have no default, or whose default source is a monitor.
        let odd = devices(c"gone", c"speakers.monitor");
        assert_eq!((found(&odd, &system), found(&odd, &microphone)), (Some(0), Some(2)));
        let mut deaf = devices(c"speakers", c"speakers.monitor");
        deaf.sources.truncate(2);
        assert_eq!((found(&deaf, &system), found(&deaf, &microphone)), (Some(1), None));
        let starred = usual.list().into_iter().filter(|device| device.is_default).map(|device| device.id);
        assert_eq!(starred.collect::<Vec<_>>(), ["speakers.monitor", "headset"]);
    }

    #[test]
    fn a_device_is_found_by_its_name_and_a_sink_by_its_own() {
        let usual = devices(c"speakers", c"headset");
        let by = |id: &str| found(&usual, &SoundWanted::Device(id.into()));
        assert_eq!(
            [by("room"), by("hdmi.monitor"), by("hdmi"), by("roo"), by("a\0b")],
            [Some(2), Some(0), Some(0), None, None]
        );
    }
}
