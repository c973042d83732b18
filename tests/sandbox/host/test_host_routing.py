import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.host.routing import Route, Router, TemplateError, parse

GUID = "7d0f6f4e-3b5c-4e7e-9a34-0c5d6a5b8c11"


def router(*templates: str, methods: frozenset[str] | None = None) -> Router[str]:
    return Router([Route(parse(template), methods, template) for template in templates])


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/items", "/api/items", {}),
        ("api/items", "/API/Items/", {}),
        ("api/{id}", "/api/a%20b", {"id": "a b"}),
        ("api/{id}", "/api/a%2Fb", {"id": "a%2Fb"}),
        ("api/{id}", "/api/%C3%A9%0A", {"id": "é\n"}),
        ("{id:guid}", f"/{GUID}", {"id": GUID}),
        ("{id:guid}", f"/{GUID.replace('-', '')}", {"id": GUID.replace("-", "")}),
        ("{n:int:min(3)}", "/3", {"n": "3"}),
        ("{n:range(1,5)}", "/5", {"n": "5"}),
        ("{s:length(2,3)}", "/abc", {"s": "abc"}),
        ("a/{x?}", "/a", {}),
        ("a/{x?}", "/a/b", {"x": "b"}),
        ("a/{x=c}", "/a", {"x": "c"}),
        ("a/{*rest}", "/a", {}),
        ("a/{*rest}", "/a/b/c", {"rest": "b/c"}),
        ("{name}.{ext}", "/a.b.c", {"name": "a.b", "ext": "c"}),
    ],
)
def test_a_path_gives_its_route_values(template: str, path: str, values: dict[str, str]) -> None:
    assert router(template).find("GET", path) == (template, values)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("api/items", "/api/items/1"),
        ("api/{id}", "/api/"),
        ("api/{id}", "/api/a/b"),
        ("{id:guid}", "/not-a-guid"),
        ("{n:int}", "/2147483648"),
        ("{n:int}", "/１"),  # digits of another script are no int to .NET
        ("{n:int:min(3)}", "/2"),
        ("{x:bool}", "/yes"),
        ("a/{x?}", "/a/b/c"),
    ],
)
def test_a_path_that_does_not_fit_is_no_match(template: str, path: str) -> None:
    assert router(template).find("GET", path) is None


@pytest.mark.parametrize(
    ("path", "winner"),
    [
        ("/items/newest", "items/newest"),
        (f"/items/{GUID}", "items/{id:guid}"),
        ("/items/other", "items/{name}"),
        ("/items/a/b", "items/{*rest}"),
        ("/else", "{*all}"),
    ],
)
def test_the_more_specific_template_wins_however_they_are_registered(
    path: str, winner: str
) -> None:
    templates = ["{*all}", "items/{*rest}", "items/{name}", "items/{id:guid}", "items/newest"]
    for order in (templates, templates[::-1]):
        found = router(*order).find("GET", path)
        assert found is not None
        assert found[0] == winner


def test_a_method_that_does_not_fit_leaves_the_path_to_the_next_route() -> None:
    routes = Router(
        [
            Route(parse("items/newest"), frozenset({"POST"}), "post newest"),
            Route(parse("items/{name}"), frozenset({"GET"}), "get by name"),
        ]
    )
    assert routes.find("GET", "/items/newest") == ("get by name", {"name": "newest"})
    assert routes.find("DELETE", "/items/newest") is None
    assert routes.find("HEAD", "/items/newest") is None


@pytest.mark.parametrize("template", ["{a}/{a}", "{*rest}/a", "a/{b", "{x:colour}", "a/{}", "{a:}"])
def test_a_template_that_cannot_be_read_is_refused(template: str) -> None:
    with pytest.raises(TemplateError):
        parse(template)


@given(st.text(st.characters(exclude_characters="/", exclude_categories=["Cs"]), min_size=1))
def test_any_value_comes_back_from_a_path(value: str) -> None:
    from urllib.parse import quote

    assert router("api/{id}").find("GET", f"/api/{quote(value, safe='')}") == (
        "api/{id}",
        {"id": value},
    )
