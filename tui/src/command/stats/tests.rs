use super::*;

fn file(precision: &str, rights: &[bool]) -> RunFile {
    let marks: Vec<AnswerMark> = rights.iter().map(|&it| AnswerMark::Right(it)).collect();
    of_marks(precision, &marks)
}

fn of_marks(precision: &str, marks: &[AnswerMark]) -> RunFile {
    let settings = [("precision", json!(precision)), ("steps", json!(8))];
    let settings = settings.map(|(name, value)| (name.to_owned(), value));
    let answers = (1..).zip(marks).map(|(number, &mark)| RunAnswer {
        number,
        task: "add".to_owned(),
        asked: None,
        answer: if mark == AnswerMark::Right(true) {
            "4"
        } else {
            "5"
        }
        .to_owned(),
        mark,
        nfe: Some(4),
    });
    RunFile {
        shown: format!("{precision}.jsonl"),
        questions: None,
        settings: settings.into_iter().collect(),
        answers: answers.collect(),
    }
}

#[test]
fn what_flipped_and_what_was_set_otherwise_is_told() {
    let one = file("int8", &[true, false, true, true]);
    let other = file("f32", &[true, true, true, true, false]);
    let compared = Compared::new(&one, &other).expect("they go together");
    let text = compared.text();
    for part in [
        "int8.jsonl  75.0 %    30.1–95.4   3/4    4.0",
        "f32.jsonl   100.0 %   51.0–100.0  4/4    4.0",
        "difference -25.0 points (-69.9 to +36.2 with 95 %), 0 won and 1 lost, p 1.000",
        "one of 2 points would take about 3865 questions",
        "precision: int8 and f32\nlost: line 2, add: \"5\" and \"4\"\n",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let json = compared.json();
    assert_eq!((&json["questions"], &json["lost"]), (&json!(4), &json!(1)));
}

#[test]
fn other_questions_are_refused() {
    let refusal = |one: &RunFile, other: &RunFile| {
        let refused = Compared::new(one, other).err();
        refused.map_or(String::new(), |error| error.to_string())
    };
    let (mut one, mut other) = (file("a", &[true]), file("b", &[true]));
    assert_eq!(refusal(&one, &other), "");
    other.answers[0].task = "capital".to_owned();
    assert!(refusal(&one, &other).contains("task of line 1"));
    other.answers[0].task = "add".to_owned();
    (one.answers[0].asked, other.answers[0].asked) = (Some("x".to_owned()), Some("y".to_owned()));
    assert!(refusal(&one, &other).contains("question of line 1"));
    other.answers.clear();
    assert!(refusal(&one, &other).contains("no question in common"));
    one.questions = Some("12".to_owned());
    other.questions = Some("34".to_owned());
    assert!(refusal(&one, &other).contains("different files of questions"));
}

#[test]
fn numbers_are_compared_by_their_means() {
    let numbers = |of: &[f64]| {
        of.iter()
            .map(|&it| AnswerMark::Number(it))
            .collect::<Vec<_>>()
    };
    let one = of_marks("a", &numbers(&[-1.0, -2.0, -3.0]));
    let other = of_marks("b", &numbers(&[-1.5, -2.5, -3.5]));
    let compared = Compared::new(&one, &other).expect("they go together");
    let text = compared.text();
    for part in [
        "a.jsonl  -2.0000  3          4.0",
        "difference +0.5000 (+0.5000 to +0.5000 with 95 %)",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let judged = file("c", &[true, true, true]);
    let refused = Compared::new(&one, &judged).err();
    let refused = refused.map_or(String::new(), |error| error.to_string());
    assert!(refused.contains("in different ways"), "{refused}");
}
