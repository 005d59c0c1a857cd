pragma journal_mode = off; create table t (id integer primary key, value text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000)
  insert into t select i, hex(randomblob(8)) from n;
create index i on t (value); select count(*), max(value) from t;
