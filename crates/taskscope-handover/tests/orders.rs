//! Each check, in every order.

#[test]
fn bytes_arrive_whole_and_in_order() {
    taskscope_handover::bytes_arrive_whole_and_in_order();
}

#[test]
fn records_arrive_whole() {
    taskscope_handover::records_arrive_whole();
}

#[test]
fn an_abandoned_ring_has_all_its_bytes() {
    taskscope_handover::an_abandoned_ring_has_all_its_bytes();
}

#[test]
fn who_looks_on_sees_what_was_put() {
    taskscope_handover::who_looks_on_sees_what_was_put();
}

#[test]
fn what_is_before_the_head_is_in_a_block() {
    taskscope_handover::what_is_before_the_head_is_in_a_block();
}

#[test]
fn a_reader_never_sees_the_mark_of_another_span() {
    taskscope_handover::a_reader_never_sees_the_mark_of_another_span();
}

#[test]
fn two_writers_do_not_mix() {
    taskscope_handover::two_writers_do_not_mix();
}
