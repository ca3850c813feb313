//! Interrupts of a NIC's receive queues.

use super::files;
use crate::doctor::facts::Interrupt;

/// Those of the interface, by number.
pub(super) fn gather(name: &str) -> Vec<Interrupt> {
    let device = format!("/sys/class/net/{name}/device");
    // A virtio device has its interrupts one level up.
    let mut numbers = files::entries(format!("{device}/msi_irqs"));
    if numbers.is_empty()
        && files::link_name(format!("{device}/subsystem")).as_deref() == Some("virtio")
    {
        numbers = files::entries(format!("{device}/../msi_irqs"));
    }
    let mut interrupts: Vec<_> = numbers
        .iter()
        .filter_map(|number| interrupt(number.parse().ok()?))
        .filter(|interrupt| is_receive(&interrupt.name))
        .collect();
    interrupts.sort_by_key(|interrupt| interrupt.number);
    interrupts
}

fn interrupt(number: u32) -> Option<Interrupt> {
    let folder = format!("/proc/irq/{number}");
    // The handler has a folder of its name beside the files.
    let name = files::entries(&folder)
        .into_iter()
        .find(|entry| std::path::Path::new(&folder).join(entry).is_dir())?;
    let cores = files::read(format!("{folder}/smp_affinity_list")).ok()?;
    Some(Interrupt {
        number,
        name,
        cores: files::list(&cores),
    })
}

/// Whether it is that of a queue that receives, going by the names that drivers give: `eth0-TxRx-0`,
/// `mlx5_comp3@pci:...`, `virtio0-input.0`, `eth0-rx-1`; but not `eth0-tx-1`, `virtio0-config`.
fn is_receive(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let has = |part: &str| name.contains(part);
    let queue = has("rx") || has("input") || has("comp") || has("queue") || has("-io-");
    queue && !has("async")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queues_that_receive_are_told_by_their_names() {
        let names = [
            ("eth0-TxRx-0", true),
            ("i40e-eth0-TxRx-3", true),
            ("ice-eth0-TxRx-1", true),
            ("mlx5_comp3@pci:0000:01:00.0", true),
            ("virtio2-input.0", true),
            ("eth0-rx-1", true),
            ("eth0-Tx-Rx-4", true),
            ("virtio2-output.0", false),
            ("virtio2-config", false),
            ("eth0-tx-1", false),
            ("mlx5_async0@pci:0000:01:00.0", false),
        ];
        for (name, expected) in names {
            assert_eq!(is_receive(name), expected, "{name}");
        }
    }
}
