"""What the gateway costs, beside nginx, a bare relay and other gateways: `make bench-gateway`."""
