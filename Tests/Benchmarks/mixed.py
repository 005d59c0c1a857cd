import json, random, re
words = [str(random.random()) for _ in range(20000)]
table = {word: len(word) for word in words}
print(len(json.dumps(table)), sum(map(int, re.findall(r"\d", " ".join(words)))))
print(sum(i * i % 7 for i in range(600000)))
