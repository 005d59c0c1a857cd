create table t (id integer primary key, value text);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000) insert into t select i, hex(i * 7919) from n;
select count(*), sum(length(value)), max(value) from t where value > '4'; select value, count(*) from t group by id % 10;
