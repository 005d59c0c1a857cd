# Databases, archives, compression, JSON, temporary trees and directory walks.
import glob, hashlib, json, os, shutil, sqlite3, tarfile, zipfile, zlib, time

os.makedirs("tree/a/b")
for number in range(50):
    with open(f"tree/a/{number}.json", "w") as file:
        json.dump({"number": number, "time": time.time(), "random": os.urandom(8).hex()}, file)
with tarfile.open("tree.tar.gz", "w:gz") as archive: archive.add("tree")
with zipfile.ZipFile("tree.zip", "w", zipfile.ZIP_DEFLATED) as archive:
    for name in glob.glob("tree/**/*.json", recursive=True): archive.write(name)
shutil.move("tree", "old")
with tarfile.open("tree.tar.gz") as archive: archive.extractall()
for name in sorted(glob.glob("tree/**/*.json", recursive=True)):
    assert open(name).read() == open(name.replace("tree", "old")).read()
print(hashlib.sha256(open("tree.tar.gz", "rb").read()).hexdigest(), os.path.getsize("tree.zip"))
database = sqlite3.connect("data.sqlite")
database.execute("create table t (id integer primary key, value text)")
with database: database.executemany("insert into t (value) values (?)", [(os.urandom(6).hex(),) for _ in range(500)])
print(database.execute("select count(*), max(value), sqlite_version() from t").fetchone())
database.close()
print(zlib.crc32(open("data.sqlite", "rb").read()), [entry.inode() for entry in os.scandir(".")])
print("EXIT-SUCCESS")
