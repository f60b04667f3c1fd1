"""Sentences become claims, marks become links, and both keep the Markdown around them whole."""

from tests.chat.pages.shapes import note, rendered, sentence, turn

MARK = (
    '<a class="mark" id="m1-1" href="#n1-1" role="doc-noteref" '
    'aria-label="Source 1: Parental Leave Policy, 3.2 Pay">1</a>'
)


def test_a_sentence_is_a_claim_with_its_mark_behind_the_full_stop():
    text = "You can take 52 weeks [1]. More follows."
    html = rendered(turn(text, [note(1)], [sentence(0, 26, [1]), sentence(27, 40, [], "unknown")]))
    assert html == (
        f'<p><span class="claim"><span class="words">You can take 52 weeks.</span>{MARK}</span> '
        '<span class="claim"><span class="words">More follows.</span></span></p>\n'
    )


def test_marks_behind_the_full_stop_belong_to_the_sentence_before():
    text = "You can take 52 weeks. [1] More."
    html = rendered(turn(text, [note(1)], [sentence(0, 22, [1]), sentence(27, 32, [], "unknown")]))
    assert f'You can take 52 weeks.</span>{MARK}</span> <span class="claim">' in html


def test_several_marks_stand_side_by_side_and_a_number_has_one_id():
    text = "Weeks are paid. [1][2] Really. [1]"
    html = rendered(
        turn(text, [note(1), note(2)], [sentence(0, 22, [1, 2]), sentence(23, 34, [1])])
    )
    assert html.count('id="m1-1"') == 1
    assert html.count('href="#n1-1"') == 2
    assert "1</a><a class=" in html


def test_a_sentence_without_source_is_dotted_and_says_so_once_for_all():
    text = "First thing. Second thing."
    spans = [sentence(0, 12, [], "unsupported"), sentence(13, 26, [], "unsupported")]
    html = rendered(turn(text, [], spans))
    assert html.count('<span class="claim" data-support="none">') == 2
    assert html.count('class="obelus"') == 2
    assert html.count('id="m1-x"') == 1


def test_partly_supported_is_said_by_the_mark():
    html = rendered(turn("Paid. [1]", [note(1)], [sentence(0, 9, [1], "partly")]))
    assert 'data-support="part"' in html
    assert "partly supports this" in html


def test_a_boundary_inside_bold_text_leaves_both_whole():
    text = "Take **52 weeks. All** of them."
    spans = [sentence(0, 16, [], "unknown"), sentence(17, 31, [], "unknown")]
    html = rendered(turn(text, [], spans))
    assert "<strong>52 weeks.</strong>" in html
    assert html.count("<strong>") == html.count("</strong>") == 2


def test_list_items_headings_and_cells_keep_their_structure():
    text = "# Pay\n\n- one [1]\n- two [2]\n\n| a | b |\n|---|---|\n| c [1] | d |"
    row = text.index("| c")
    spans = [
        sentence(0, 5, [], "unknown"),
        sentence(9, 16, [1]),
        sentence(19, 26, [2]),
        sentence(row, len(text), [1]),
    ]
    html = rendered(turn(text, [note(1), note(2)], spans))
    assert '<h3><span class="claim"><span class="words">Pay</span></span></h3>' in html
    assert html.count("<li><span") == 2
    assert '<td><span class="claim"><span class="words">c</span>' in html
    assert '<td><span class="claim"><span class="words">d</span></span></td>' in html


def test_a_mark_in_code_stays_what_it_was():
    text = "Use `items[1]` here. [1]"
    html = rendered(turn(text, [note(1)], [sentence(0, 24, [1])]))
    assert "<code>items[1]</code>" in html
    assert html.count('class="mark"') == 1


def test_a_code_block_is_left_whole():
    text = "Run this:\n\n```sh\nmake run\n```\n\nThen ask."
    spans = [sentence(0, 9, [], "unknown"), sentence(11, 29, [], "unknown")]
    assert "make run" in rendered(turn(text, [], spans))
    assert "```" not in rendered(turn(text, [], spans))


def test_emphasis_beside_a_mark_still_closes():
    text = "**All of it.** [1] _Some_ of it."
    html = rendered(turn(text, [note(1)], [sentence(0, 18, [1]), sentence(19, 32, [], "unknown")]))
    assert "<strong>All of it.</strong>" in html
    assert "<em>Some</em>" in html
