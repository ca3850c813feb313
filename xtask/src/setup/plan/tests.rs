use super::Plan;
use crate::setup::{
    ebpf::Compiler,
    facts::{Apt, Facts, Lists},
    offers::Offers,
};

const INSTALL: &str = "apt-get install -y --no-install-recommends --no-remove";

fn facts(compiler: Compiler) -> Facts {
    Facts {
        missing: Vec::new(),
        compiler,
        bpf_linker: false,
        cargo_binstall: false,
        llvm: false,
        apt: Some(apt(Lists::Today, &ALL)),
    }
}

const ALL: [&str; 3] = ["rustc-web", "libstd-rust-web-dev-bpf", "llvm-22-dev"];

/// apt for root, with these packages in its lists.
fn apt(lists: Lists, packages: &[&str]) -> Apt {
    let policy = packages
        .iter()
        .map(|name| format!("{name}:\n  Candidate: 1.96.0\n"));
    Apt {
        lists,
        offers: Offers::parse(&policy.collect::<String>()),
        runner: Some(Vec::new()),
    }
}

fn commands(plan: &Plan) -> Vec<String> {
    plan.commands.iter().map(ToString::to_string).collect()
}

#[test]
fn nothing_is_done_when_nothing_is_missing() {
    let plan = Plan::new(&Facts {
        bpf_linker: true,
        ..facts(Compiler::Nightly)
    });
    assert!(plan.is_complete() && plan.commands.is_empty() && plan.update.is_none());
    assert_eq!(
        plan.to_string(),
        "set-up is complete; XDP programs: rustup's nightly with rust-src\n"
    );
}

#[test]
fn nightly_gets_a_released_linker() {
    let mut facts = facts(Compiler::Nightly);
    assert_eq!(
        commands(&Plan::new(&facts)),
        [
            "cargo install cargo-binstall --locked",
            "cargo binstall --no-confirm bpf-linker"
        ]
    );
    facts.cargo_binstall = true;
    assert_eq!(
        commands(&Plan::new(&facts)),
        ["cargo binstall --no-confirm bpf-linker"]
    );
}

#[test]
fn debian_gets_compiler_and_llvm_before_the_linker_is_built() {
    let commands = commands(&Plan::new(&facts(Compiler::Installable)));
    assert_eq!(
        commands[0],
        format!(
            "DEBIAN_FRONTEND=noninteractive {INSTALL} libstd-rust-web-dev-bpf llvm-22-dev rustc-web"
        )
    );
    assert!(
        commands[1].contains("cargo install bpf-linker"),
        "{}",
        commands[1]
    );
    assert_eq!(commands.len(), 2);
}

#[test]
fn packages_that_are_here_are_not_installed_again() {
    let mut facts = facts(Compiler::Debian);
    facts.llvm = true;
    let commands = commands(&Plan::new(&facts));
    assert_eq!(commands.len(), 1);
    assert!(
        commands[0].contains("cargo install bpf-linker"),
        "{}",
        commands[0]
    );
}

#[test]
fn old_lists_are_renewed_first_and_sudo_is_put_before() {
    let mut facts = facts(Compiler::Installable);
    facts.apt = Some(Apt {
        runner: Some(vec!["sudo".into()]),
        ..apt(Lists::Old, &ALL)
    });
    let plan = Plan::new(&facts);
    assert_eq!(
        plan.update.as_ref().unwrap().to_string(),
        "sudo apt-get update"
    );
    let install = format!("sudo env DEBIAN_FRONTEND=noninteractive {INSTALL}");
    assert!(commands(&plan)[0].starts_with(&install));
    let shown = plan.to_string();
    assert!(
        shown.contains("to be run:\n  sudo apt-get update\n  sudo env"),
        "{shown}"
    );
}

#[test]
fn lists_of_today_are_renewed_only_when_they_lack_a_package() {
    let lacks_compiler = &ALL[2..];
    let lacks_llvm = &ALL[..2];
    for (lists, packages, renewed) in [
        (Lists::Today, &ALL[..], false),
        (Lists::Today, lacks_compiler, true),
        (Lists::Today, lacks_llvm, true),
        (Lists::Today, &[], true),
        (Lists::Renewed, lacks_llvm, false),
    ] {
        let plan = Plan::new(&Facts {
            apt: Some(apt(lists, packages)),
            ..facts(Compiler::Installable)
        });
        let update = plan.update.map(|update| update.to_string());
        let expected = renewed.then(|| "apt-get update".into());
        assert_eq!(update, expected, "{lists:?} with {packages:?}");
    }
}

#[test]
fn without_a_way_to_install_the_user_is_told() {
    let mut facts = facts(Compiler::Absent);
    facts.apt = None;
    let plan = Plan::new(&facts);
    assert!(!plan.is_complete() && plan.commands.is_empty());
    assert!(plan.advice[0].contains("rustup toolchain install nightly --component rust-src"));

    facts.compiler = Compiler::Installable;
    facts.apt = Some(Apt {
        runner: None,
        ..apt(Lists::Today, &ALL)
    });
    let plan = Plan::new(&facts);
    assert!(plan.advice[0].contains("as root"), "{:?}", plan.advice);
}
