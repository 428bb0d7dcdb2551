"""What is wrong and what to do: findings, advice and the state between ticks that both need."""
