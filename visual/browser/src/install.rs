//! How to install a browser and its driver on this kind of system.

/// The commands that install Chromium and its driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallPlan {
    /// Commands to run one after the other, each as program and arguments; empty when nothing is
    /// known about this kind of system.
    pub argv: Vec<Vec<String>>,
    /// Whether this user may run them without being asked for a password.
    pub may_run: bool,
    /// The commands in one line for a person, or what to do instead.
    pub shown: String,
}

struct Manager {
    /// Names in `ID` or `ID_LIKE` of `os-release`.
    systems: &'static [&'static str],
    program: &'static str,
    commands: &'static [&'static str],
    needs_root: bool,
}

/// The first whose system and program are there is taken.
const MANAGERS: &[Manager] = &[
    Manager {
        systems: &["ubuntu"],
        program: "snap",
        commands: &["snap install chromium"],
        needs_root: true,
    },
    Manager {
        systems: &["debian"],
        program: "apt-get",
        commands: &[
            "apt-get update",
            "apt-get install --yes --no-install-recommends chromium chromium-driver \
             fonts-liberation",
        ],
        needs_root: true,
    },
    Manager {
        systems: &["fedora", "rhel", "centos"],
        program: "dnf",
        commands: &["dnf install --assumeyes chromium chromedriver liberation-fonts"],
        needs_root: true,
    },
    Manager {
        systems: &["alpine"],
        program: "apk",
        commands: &["apk add --no-cache chromium chromium-chromedriver font-liberation"],
        needs_root: true,
    },
    Manager {
        systems: &["arch"],
        program: "pacman",
        commands: &["pacman --sync --refresh --noconfirm chromium ttf-liberation"],
        needs_root: true,
    },
    Manager {
        systems: &["macos", ""],
        program: "brew",
        commands: &["brew install --cask chromium chromedriver"],
        needs_root: false,
    },
];

/// Plans the installation. `os_release` is the text of `/etc/os-release`, empty where there is
/// none; `has` tells whether a program is on the path.
pub fn install_plan(os_release: &str, is_root: bool, has: &dyn Fn(&str) -> bool) -> InstallPlan {
    let systems = systems_of(os_release);
    let here = |manager: &&Manager| {
        // Ubuntu's own package of that name is a stub that asks for the snap.
        let is_stub = systems[0] == "ubuntu" && manager.program == "apt-get";
        let fits = systems.iter().any(|system| manager.systems.contains(system));
        fits && !is_stub && has(manager.program)
    };
    let Some(manager) = MANAGERS.iter().find(here) else {
        let shown = "install Chromium and the ChromeDriver of the same version by hand".to_owned();
        return InstallPlan { argv: Vec::new(), may_run: false, shown };
    };
    // A package manager for everybody is not to be run as root, and the other way round.
    let may_run = is_root == manager.needs_root;
    let prefix = if manager.needs_root && !is_root {
        // Whichever is there; sudo is what people know.
        ["sudo", "doas"].into_iter().find(|program| has(program)).or(Some("sudo"))
    } else {
        None
    };
    let command = |line: &&str| {
        prefix.into_iter().chain(line.split_whitespace()).map(str::to_owned).collect::<Vec<_>>()
    };
    let argv: Vec<_> = manager.commands.iter().map(command).collect();
    let shown = argv.iter().map(|argv| argv.join(" ")).collect::<Vec<_>>().join(" && ");
    InstallPlan { argv, may_run, shown }
}

/// The system's own name, then those that it is like; one empty name when nothing is said.
fn systems_of(os_release: &str) -> Vec<&str> {
    let value = |key: &str| {
        let line = os_release.lines().find_map(|line| line.trim().strip_prefix(key))?;
        Some(line.strip_prefix('=')?.trim().trim_matches(['"', '\'']))
    };
    let own = value("ID").unwrap_or_default();
    std::iter::once(own).chain(value("ID_LIKE").unwrap_or_default().split_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(os_release: &str, is_root: bool, programs: &[&str], may_run: bool, shown: &str) {
        let plan = install_plan(os_release, is_root, &|program| programs.contains(&program));
        assert_eq!(plan.shown, shown, "{os_release:?} {programs:?}");
        assert_eq!(plan.may_run, may_run, "{os_release:?} {programs:?}");
        if !plan.argv.is_empty() {
            let joined: Vec<_> = plan.argv.iter().map(|argv| argv.join(" ")).collect();
            assert_eq!(joined.join(" && "), shown);
        }
    }

    #[test]
    fn plans_by_system() {
        let by_hand = "install Chromium and the ChromeDriver of the same version by hand";
        let apt = "apt-get update && apt-get install --yes --no-install-recommends chromium \
                   chromium-driver fonts-liberation";
        let sudo_apt = "sudo apt-get update && sudo apt-get install --yes \
                        --no-install-recommends chromium chromium-driver fonts-liberation";
        let debian = "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\nID=debian\n";
        check(debian, true, &["apt-get"], true, apt);
        check(debian, false, &["apt-get", "sudo"], false, sudo_apt);
        check(debian, false, &["apt-get"], false, sudo_apt);
        check(debian, true, &["brew"], false, by_hand);
        check("ID=raspbian\nID_LIKE=debian", true, &["apt-get"], true, apt);
        let ubuntu = "ID=ubuntu\nID_LIKE=debian";
        check(ubuntu, true, &["apt-get", "snap"], true, "snap install chromium");
        check(ubuntu, false, &["snap", "doas"], false, "doas snap install chromium");
        check(ubuntu, true, &["apt-get"], false, by_hand);
        let dnf = "dnf install --assumeyes chromium chromedriver liberation-fonts";
        check("ID=fedora", true, &["dnf"], true, dnf);
        check("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"", true, &["dnf"], true, dnf);
        let apk = "apk add --no-cache chromium chromium-chromedriver font-liberation";
        check("ID=alpine", true, &["apk"], true, apk);
        let pacman = "pacman --sync --refresh --noconfirm chromium ttf-liberation";
        check("ID='arch'", true, &["pacman"], true, pacman);
        check("", false, &["brew"], true, "brew install --cask chromium chromedriver");
        check("", true, &["brew"], false, "brew install --cask chromium chromedriver");
        check("", false, &[], false, by_hand);
        check("ID=plan9", true, &["apt-get"], false, by_hand);
    }
}
