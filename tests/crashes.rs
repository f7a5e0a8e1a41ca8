//! The whole program in a pseudo-terminal while the process of its backend ends in every possible way: it lives, keeps the
//! conversation, and loads the model again.

#![cfg(target_os = "linux")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use unmask_tests::chat::{LONG, QUESTION, ask, quit, wait_answer, wait_for};
use unmask_tests::program::Home;
use unmask_tests::spoiled;
use unmask_tests::terminal::Terminal;

/// How often the process is killed; this variable says otherwise, as for the 100 times of a long run.
const KILLS: (&str, u64) = ("UNMASK_KILLS", 10);

fn wait_ready(terminal: &Terminal) {
    wait_for(terminal, &["isolated", "● ready"]);
}

fn wait_offer(terminal: &Terminal) {
    wait_for(terminal, &["Load demo again?"]);
}

fn log(home: &Home) -> String {
    let file = home.state("unmask.log");
    fs::read_to_string(file).expect("there is a log")
}

/// The program on the plugin that does what its device is called.
fn start_wild(home: &Home, plugin: &Path, device: &str) -> Terminal {
    let plugin = plugin.to_str().expect("plain names");
    let arguments = [
        "--isolate",
        "--plugin",
        plugin,
        "-b",
        "wild",
        "--device",
        device,
    ];
    let terminal = home.start(&arguments, &[], (100, 30));
    wait_ready(&terminal);
    terminal
}

/// Ends the program, which must still do so as ever.
fn end(terminal: Terminal) {
    let last = quit(terminal);
    assert!(last.contains("Resume: unmask --resume"), "{last}");
}

#[test]
fn a_crash_in_the_middle_of_an_answer_keeps_its_canvas_which_goes_on_once_the_model_is_back() {
    let (home, plugin) = (Home::default(), spoiled("wild"));
    let mut terminal = start_wild(&home, &plugin.path, "segfault");
    ask(&mut terminal, QUESTION);
    wait_offer(&terminal);
    terminal.press("\r");
    wait_ready(&terminal);
    wait_for(&terminal, &[QUESTION, "SIGSEGV", "log"]);
    ask(&mut terminal, "/continue");
    wait_for(&terminal, &["Load demo again?", "stopped"]);
    terminal.press("\x1b");
    terminal.wait(LONG, "no model", |screen| {
        screen.contains("○ no model") && !screen.contains("Load demo again?")
    });
    // Four passes each time, and a step a pass, as the answer says that the keys mean.
    terminal.press("\t");
    wait_for(&terminal, &["8 steps"]);
    terminal.press("\t");
    let log = log(&home);
    assert!(
        log.contains("about to segfault") && log.contains("SIGSEGV"),
        "{log}"
    );
    end(terminal);
}

#[test]
fn a_hanging_answer_that_is_stopped_twice_frees_the_program() {
    let (home, plugin) = (Home::default(), spoiled("wild"));
    let mut terminal = start_wild(&home, &plugin.path, "hang");
    ask(&mut terminal, QUESTION);
    wait_for(&terminal, &["◐ step 4"]);
    terminal.press("\x03");
    wait_for(&terminal, &["finishing step"]);
    terminal.press("\x03");
    wait_offer(&terminal);
    terminal.press("\r");
    wait_ready(&terminal);
    assert!(log(&home).contains("did not stop within 10 s"));
    end(terminal);
}

#[test]
fn a_command_on_a_backend_that_crashes_says_so_and_where_the_log_is() {
    let (home, plugin) = (Home::default(), spoiled("wild"));
    let plugin = plugin.path.to_str().expect("plain names");
    let arguments = [
        "generate",
        "-q",
        "--isolate",
        "--plugin",
        plugin,
        "-b",
        "wild",
        "--device",
        "abort",
        "Hi",
    ];
    let said = home.run(&arguments, "");
    assert_eq!(said.code, Some(1), "{said:?}");
    let message = "unmask: the process of wild ended (signal: 6 (SIGABRT)";
    assert!(
        said.stderr.contains(message)
            && said
                .stderr
                .contains("in the log, which `unmask config path` names"),
        "{said:?}"
    );
}

/// The process of the program's backend, if there is one.
fn backend_process(terminal: &Terminal) -> Option<String> {
    let program = terminal.process_id().to_string();
    let processes = fs::read_dir("/proc").expect("this is Linux").flatten();
    let mut names = processes.filter_map(|entry| entry.file_name().into_string().ok());
    names.find(|id| {
        let read =
            |file: &str| fs::read_to_string(format!("/proc/{id}/{file}")).unwrap_or_default();
        let status = read("stat");
        let parent = status.rsplit(')').next().unwrap_or_default();
        let is_child = parent.split_whitespace().nth(1) == Some(&program);
        is_child && read("cmdline").contains("backend-worker")
    })
}

#[test]
fn the_program_outlives_its_backend_killed_at_any_moment_of_a_generation() {
    let kills = std::env::var(KILLS.0).map_or(KILLS.1, |text| text.parse().expect("a number"));
    let home = Home::default();
    // Many steps, so that the answer is not there before the process is killed.
    let arguments = [
        "--isolate",
        "--len",
        "192",
        "--block",
        "192",
        "--steps",
        "192",
    ];
    let mut terminal = home.start(&arguments, &[], (100, 30));
    wait_ready(&terminal);
    ask(&mut terminal, QUESTION);
    for kill in 0..kills {
        wait_for(&terminal, &["◐ step"]);
        // Another moment each time, the same in each run.
        thread::sleep(Duration::from_millis(
            kill.wrapping_mul(0x9E37_79B9) >> 7 & 0x1FF,
        ));
        let process = backend_process(&terminal).expect("the model is loaded");
        let killed = Command::new("kill").args(["-9", &process]).status();
        assert!(killed.expect("kill is there").success());
        wait_offer(&terminal);
        assert!(terminal.screen().alternate_screen() && !terminal.has_ended());
        terminal.press("\r");
        wait_ready(&terminal);
        terminal.press("\x15");
        ask(&mut terminal, QUESTION);
        terminal.forget();
    }
    wait_answer(&terminal);
    end(terminal);
    let sessions = home.data("sessions");
    let kept = Command::new("grep")
        .args(["-rl", QUESTION])
        .arg(sessions)
        .output();
    assert!(
        kept.expect("grep is there").status.success(),
        "the conversation is kept"
    );
}
