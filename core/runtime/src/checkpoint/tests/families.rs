//! What families say of their checkpoints that no file of these does.

use super::*;

#[test]
fn illada_s_mask_is_known_by_its_tokenizer_and_without_a_template_only_what_is_said_is_given() {
    let fake = Fake::new();
    let config =
        json!({"architectures": ["ILLaDAForCausalLM"], "vocab_size": 3072, "eos_token_id": 1});
    fake.write("config.json", &config.to_string());
    let tokenizer = TOKENIZER.replace("<|mdm_mask|>", "<[MASK]>");
    fake.write("tokenizer.json", &tokenizer);
    let checkpoint = fake.open().expect("it is whole");
    assert_eq!(checkpoint.family.name, "illada");
    let text = checkpoint.text(&TokenOverrides::default());
    let text = text.expect("it has text");
    let ids = (text.special.mask, text.special.eot);
    assert_eq!(ids, (TokenId(2), Some(TokenId(5))));
    let said = Message {
        role: Role::User,
        content: " Hi ".to_owned(),
    };
    let now = std::time::SystemTime::UNIX_EPOCH;
    let rendered = text.template.render(&[said], now);
    assert_eq!(rendered.expect("it renders"), "Hi\n\n");
}
