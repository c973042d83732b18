"""What every room shares: the domain, its ports, and the adapters behind them."""
