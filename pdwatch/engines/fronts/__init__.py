"""Front ends and routers: pages that tell what users feel and what workers get, and are no workers."""
