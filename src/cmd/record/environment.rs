//! Facts of the machine that records; what it does not tell is null.

use super::gpu;
use crate::inspect::last_sync;
use crate::log::setup::EnvFact;
use crate::log::setup::SYNC_TEST;

/// Returns the fact `env` of the log; `client_version` is the person's word on the game's client.
pub(super) fn facts(client_version: Option<&str>) -> EnvFact {
    let system = sysinfo::System::new_with_specifics(
        sysinfo::RefreshKind::nothing()
            .with_memory(sysinfo::MemoryRefreshKind::nothing().with_ram())
            .with_cpu(sysinfo::CpuRefreshKind::nothing()),
    )
    .ok();
    let cpu = system.as_ref().and_then(|s| s.cpus().first()).map(|cpu| cpu.brand().trim().to_owned());
    let cores = std::thread::available_parallelism().ok().map(std::num::NonZero::get);
    EnvFact {
        os: sysinfo::System::long_os_version().ok(),
        kernel: sysinfo::System::kernel_version().ok(),
        arch: Some(std::env::consts::ARCH.to_owned()),
        cpu: cpu.filter(|brand| !brand.is_empty()),
        cpu_cores: cores.and_then(|cores| u32::try_from(cores).ok()),
        memory_bytes: system.as_ref().map(sysinfo::System::total_memory).filter(|bytes| *bytes > 0),
        desktop: std::env::var("XDG_CURRENT_DESKTOP").ok().filter(|name| !name.is_empty()),
        gpu: gpu::describe(),
        client_version: client_version.map(str::to_owned),
        extra: last_sync::read()
            .and_then(|last| Some((SYNC_TEST.to_owned(), serde_json::to_value(last).ok()?)))
            .into_iter()
            .collect(),
    }
}
