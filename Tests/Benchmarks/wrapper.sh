# python3 behind a wrapper that starts some twenty short processes.
for name in a b c d e f g h i j; do
  upper=$(echo "$name" | tr a-z A-Z)
  base=$(basename "/usr/lib/$upper")
done
exec python3 -c 'import json, re; print(sum(i * i % 7 for i in range(1000000)))'
