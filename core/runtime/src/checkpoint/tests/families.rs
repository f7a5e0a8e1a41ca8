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

#[test]
fn every_id_of_the_list_and_the_family_s_end_of_turn_end_an_answer() {
    for (model_type, name) in [
        ("llada", "<|eot_id|>"),
        ("llada", "<|im_end|>"),
        ("illada", "<|im_end|>"),
        ("lladamoe", "<|role_end|>"),
        ("llada2_moe", "<|role_end|>"),
        ("Dream", "<|im_end|>"),
        ("sdar", "<|im_end|>"),
        ("Fast_dLLM_Qwen", "<|im_end|>"),
    ] {
        let fake = Fake::new();
        let config = json!({
            "model_type": model_type, "vocab_size": 3072, "mask_token_id": 2, "eos_token_id": [1, 9]
        });
        fake.write("config.json", &config.to_string());
        fake.write("tokenizer.json", &TOKENIZER.replace("<|eot_id|>", name));
        fake.write("generation_config.json", r#"{"eos_token_id": [9, 11]}"#);
        let text = fake
            .open()
            .expect("it is whole")
            .text(&TokenOverrides::default());
        let special = text.expect("it has text").special;
        let ends: Vec<u32> = special.ends().map(|end| end.0).collect();
        assert_eq!(ends, [1, 5, 9, 11], "{model_type} with {name}");
    }
}
