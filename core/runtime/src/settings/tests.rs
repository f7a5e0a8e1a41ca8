use super::*;
use crate::Params;
use crate::params::{CacheMode, Growth, Transfer};

fn params(block_length: usize, steps: usize) -> Params {
    Params {
        steps,
        block_length,
        ..Params::default()
    }
}

/// Two values of a domain, as people write them.
fn samples(domain: Domain) -> Vec<String> {
    match domain {
        Domain::Count(Counted::Answer) => vec!["7".to_owned(), "auto".to_owned()],
        Domain::Count(_) | Domain::Seed => vec!["7".to_owned(), "9".to_owned()],
        Domain::Optional(it) if it.digits == 0 => vec!["7".to_owned(), "9".to_owned()],
        Domain::Number(_) | Domain::Optional(_) => vec!["0.5".to_owned(), "0.25".to_owned()],
        Domain::Switch => vec!["true".to_owned(), "false".to_owned()],
        Domain::Choice(words) => words.iter().map(|it| it.word.to_owned()).collect(),
    }
}

#[test]
fn the_table_stands_in_the_order_of_its_names_and_no_name_is_taken_twice() {
    for (at, row) in TABLE.iter().enumerate() {
        assert_eq!(row.setting as usize, at, "{}", row.key);
        let others = || TABLE.iter().filter(|it| it.setting != row.setting);
        assert!(others().all(|it| it.key != row.key && it.label != row.label));
        assert!(
            others().all(|it| it.variable != row.variable && it.flag.name() != row.flag.name())
        );
    }
}

#[test]
fn what_is_set_is_what_is_got_and_nothing_else_changes() {
    for row in TABLE {
        for text in samples(row.domain) {
            let value = row.domain.parse(&text).expect("it is of the domain");
            assert_eq!(row.domain.check(value), Ok(()), "{} {text}", row.key);
            let (mut params, mut length) = (Params::default(), 128);
            let before = GenerationPatch::of(&params, length);
            (row.set)(&mut params, &mut length, value);
            assert_eq!((row.get)(&params, length), value, "{} {text}", row.key);
            let after = GenerationPatch::of(&params, length).without(row.setting);
            assert_eq!(after, before.without(row.setting), "{} {text}", row.key);
        }
    }
}

#[test]
fn what_is_written_is_read_again_and_what_is_off_is_left_out() {
    let with_all = Params {
        transfer: Transfer::Factor(1.5),
        cache: CacheMode::Dual,
        cfg_scale: 0.1,
        seed: u64::MAX,
        ..params(8, 16)
    };
    let said = GenerationPatch::of(&with_all, 32);
    let text = serde_json::to_string(&said).expect("it is plain data");
    assert!(
        text.contains("\"cfg_scale\":0.1,") && !text.contains("threshold"),
        "{text}"
    );
    let read: GenerationPatch = serde_json::from_str(&text).expect("it is of the table");
    let (mut params, mut length) = (Params::default(), 0);
    read.apply(&mut params, &mut length);
    assert_eq!((params, length), (with_all, 32));
}

#[test]
fn a_length_may_be_a_number_or_auto_and_no_other_word() {
    let read = |text: &str| serde_json::from_str::<GenerationPatch>(text);
    let auto = read("{\"length\":\"auto\"}").expect("it is of the table");
    let (mut params, mut length) = (Params::default(), 64);
    auto.apply(&mut params, &mut length);
    assert_eq!((params.growth, length), (Growth::Auto, 64));
    let text = serde_json::to_string(&auto).expect("it is plain data");
    assert_eq!(text, "{\"length\":\"auto\"}");
    let fixed = read("{\"length\":32}").expect("it is of the table");
    fixed.apply(&mut params, &mut length);
    assert_eq!((params.growth, length), (Growth::Fixed, 32));
    let error = read("{\"length\":\"long\"}").expect_err("it is not");
    let told = "`long` is not known; it must be a whole number, 1 or more, or auto";
    assert!(error.to_string().starts_with(told), "{error}");
}

#[test]
fn two_ways_to_do_the_same_exclude_each_other_unless_one_is_off() {
    let number = SettingValue::Number(0.5);
    let both =
        |factor| GenerationPatch::from([(Setting::Threshold, number), (Setting::Factor, factor)]);
    let (key, why) = both(number).check().expect_err("one must go");
    assert_eq!(
        (key, why.as_str()),
        (
            "factor",
            "threshold and factor are two ways to do the same; remove one"
        )
    );
    assert_eq!(both(SettingValue::Off).check(), Ok(()));
}

#[test]
fn a_value_is_used_unless_it_is_off_or_the_default() {
    for row in TABLE {
        let value = |text| row.domain.parse(text).expect("it is of the domain");
        let is_used = |text| row.is_used(value(text));
        let used = match row.domain {
            Domain::Optional(_) => [is_used("off"), is_used("0.5")],
            Domain::Switch if row.default().is_on() => [is_used("on"), is_used("off")],
            Domain::Switch => [is_used("off"), is_used("on")],
            Domain::Choice(words) => [is_used(words[0].word), is_used(words[1].word)],
            Domain::Count(_) | Domain::Number(_) | Domain::Seed => continue,
        };
        assert_eq!(used, [false, true], "{}", row.key);
    }
}

#[test]
fn an_approximation_names_what_is_not_exact() {
    let mut params = Params::default();
    assert_eq!(approximation(&params), None);
    params.transfer = Transfer::Threshold(0.9);
    params.cache = CacheMode::Dual;
    assert_eq!(
        approximation(&params).as_deref(),
        Some("threshold 0.9, cache dual")
    );
}

#[test]
fn what_runs_divides_and_every_change_is_said() {
    assert_eq!(fit(96, &params(16, 50)).notes, ["steps 50 → 48 = 6 × 8"]);
    let expected = [
        "steps 128 → 64, one for each token",
        "block length 128 → 64",
    ];
    assert_eq!(fit(64, &params(128, 128)).notes, expected);
}

#[test]
fn with_a_threshold_the_steps_are_of_no_matter() {
    let threshold = Params {
        transfer: Transfer::Threshold(0.9),
        ..params(32, 50)
    };
    let fits = fit(128, &threshold);
    assert_eq!(fits.notes, Vec::<String>::new());
    assert_eq!(Forwards::of(&fits), Forwards::AtMost(128));
}
