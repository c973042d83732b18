from sandbox.running import Running


def test_token(fresh_sandbox: Running) -> None:
    assert fresh_sandbox.token("anna.kowalska@contoso.example").count(".") == 2
