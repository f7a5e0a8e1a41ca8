//! Products of what does not fit.

mod common;

use common::{layout, packed, pool};
use unmask_kernels::{
    Activations, Epilogue, Error, Finish, Format, InstructionSet, Matrix, Rows, product,
};

#[test]
fn sizes_that_do_not_fit_are_refused_and_nothing_is_written() {
    let pool = pool(2, InstructionSet::best());
    let (n, k, m) = (6, 10, 2);
    let plain = layout(Format::Int8, Rows::Plain, n, k);
    let gated = layout(Format::Int8, Rows::GateUp, n, k);
    let bytes = packed(&pool, plain, &[1.0; 60]);
    let mut x = Activations::new();
    x.quantise(&pool, &[1.0; 20], m, k).expect("the sizes fit");
    let check = |layout, finish, bias: Option<&[f32]>, out: usize, want: Error| {
        let matrix = Matrix::new(layout, &bytes).expect("the bytes fit");
        let mut y = vec![7.0; out];
        let result = product(&pool, &x, &matrix, &Epilogue { bias, finish }, &mut y);
        assert_eq!(result, Err(want));
        assert!(y.iter().all(|y| *y == 7.0));
    };
    let length = |what, found, expected| Error::Length {
        what,
        found,
        expected,
    };
    let differ = |what, left, right| Error::Mismatch { what, left, right };
    check(plain, Finish::Store, None, 11, length("the output", 11, 12));
    check(
        plain,
        Finish::Store,
        Some(&[0.0; 5]),
        12,
        length("the bias", 5, 6),
    );
    check(
        plain,
        Finish::SwiGlu,
        None,
        12,
        differ("being gate and up", 0, 1),
    );
    check(
        gated,
        Finish::Store,
        None,
        6,
        differ("being gate and up", 1, 0),
    );
    let scatter = |rows, weights| Finish::ScatterAdd { rows, weights };
    check(
        plain,
        scatter(&[0, 2], &[1.0; 2]),
        None,
        12,
        Error::Row { row: 2, rows: 2 },
    );
    check(
        plain,
        scatter(&[0], &[1.0; 2]),
        None,
        12,
        length("the rows of the output", 1, 2),
    );
    check(
        plain,
        scatter(&[0, 1], &[1.0]),
        None,
        12,
        length("the weights of the rows", 1, 2),
    );
    x.quantise(&pool, &[1.0; 22], m, 11).expect("the sizes fit");
    let matrix = Matrix::new(plain, &bytes).expect("the bytes fit");
    let result = product(&pool, &x, &matrix, &Epilogue::default(), &mut [0.0; 12]);
    assert_eq!(result, Err(differ("columns", 11, 10)));
    let result = x.quantise(&pool, &[1.0; 22], 3, 11);
    assert_eq!(result, Err(length("the activations", 22, 33)));
    assert_eq!(x.quantise(&pool, &[], 3, 0), Err(Error::Size("the row")));
    assert_eq!(
        x.read_row(2, &mut [0.0; 11]),
        Err(Error::Row { row: 2, rows: 2 })
    );
}
