use super::{Expected, assert_found, assert_healthy};
use crate::{
    doctor::{
        Severity::{Note, Ok, Problem, Warning},
        checks,
        facts::{HostFacts, HugePages},
    },
    sys::capability::CAPTURE,
};

/// One with nothing to complain about.
pub(super) fn healthy() -> HostFacts {
    HostFacts {
        release: Some("6.18.1-generic".to_owned()),
        jit: Some(1),
        missing: Some(Vec::new()),
        memlock: Some(u64::MAX),
        huge_pages: Some(HugePages {
            total: 64,
            free: 64,
        }),
        clock_source: Some("tsc".to_owned()),
        clock_sources: vec!["tsc".to_owned(), "hpet".to_owned()],
        governors: [("performance".to_owned(), 4)].into(),
        cores: vec![0, 1, 2, 3],
        nodes: [(0, vec![0, 1, 2, 3])].into(),
        irqbalance: false,
        unknown: Vec::new(),
    }
}

type Case = (fn(&mut HostFacts), Expected);

fn assert_all_found(cases: impl IntoIterator<Item = Case>) {
    for (change, expected) in cases {
        let mut host = healthy();
        change(&mut host);
        assert_found(&checks::host(&host), expected);
    }
}

#[test]
fn of_a_healthy_host_nothing_but_good_is_said() {
    assert_healthy(&checks::host(&healthy()));
}

#[test]
fn what_a_host_lacks_is_said() {
    let cases: [Case; 9] = [
        (
            |host| host.release = Some("5.7.19".to_owned()),
            (Problem, "kernel", "BPF links for XDP", None),
        ),
        (
            |host| host.release = Some("5.15.0-91-generic".to_owned()),
            (
                Problem,
                "kernel",
                "clock by which packets are stamped (Linux 6.1)",
                None,
            ),
        ),
        (
            |host| host.release = Some("6.1.0".to_owned()),
            (Warning, "kernel", "larger than a frame buffer", None),
        ),
        (
            |host| host.release = Some("6.6-rc1".to_owned()),
            (Ok, "kernel", "6.6-rc1", None),
        ),
        (
            |host| host.jit = Some(0),
            (Warning, "BPF JIT", "interpreted", Some("bpf_jit_enable=1")),
        ),
        (
            |host| host.jit = None,
            (Note, "BPF JIT", "cannot find out", None),
        ),
        (
            |host| host.missing = Some(CAPTURE.to_vec()),
            (
                Problem,
                "privileges",
                "CAP_BPF to load",
                Some("setcap cap_net_admin,cap_net_raw,"),
            ),
        ),
        (
            |host| host.memlock = Some(16 << 20),
            (
                Ok,
                "memlock",
                "16 MiB of memory may be locked; CAP_IPC_LOCK",
                None,
            ),
        ),
        (
            |host| {
                host.memlock = Some(16 << 20);
                host.missing = Some(CAPTURE.to_vec());
            },
            (Warning, "memlock", "2 queues", Some("ulimit -l")),
        ),
    ];
    assert_all_found(cases);
}

#[test]
fn what_makes_a_host_slow_is_said() {
    let cases: [Case; 7] = [
        (
            |host| host.huge_pages = Some(HugePages { total: 8, free: 3 }),
            (Note, "huge pages", "3 of 8", Some("vm.nr_hugepages=88")),
        ),
        (
            |host| host.huge_pages = Some(HugePages { total: 0, free: 0 }),
            (
                Note,
                "huge pages",
                "none are reserved",
                Some("vm.nr_hugepages"),
            ),
        ),
        (
            |host| host.huge_pages = None,
            (Note, "huge pages", "no huge pages of 2 MiB", None),
        ),
        (
            |host| host.clock_source = Some("hpet".to_owned()),
            (Warning, "clock", "hpet", Some("echo tsc >")),
        ),
        (
            |host| {
                host.clock_source = Some("acpi_pm".to_owned());
                host.clock_sources = vec!["acpi_pm".to_owned()];
            },
            (Warning, "clock", "--timestamps burst", None),
        ),
        (
            |host| {
                host.governors.insert("powersave".to_owned(), 2);
            },
            (Note, "governor", "2 cores with powersave", Some("cpupower")),
        ),
        (
            |host| host.unknown.push("the clock source: gone".to_owned()),
            (
                Note,
                "unknown",
                "cannot find out the clock source: gone",
                None,
            ),
        ),
    ];
    assert_all_found(cases);
}
