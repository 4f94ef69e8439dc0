"""What every gRPC service of the product shares: who calls, which errors, how long a call may last."""
