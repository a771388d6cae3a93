# row NODE AZ TIME PEER=MS…: a row as a node publishes it, every probe answered in so many ms.
row() {
  local node=$1 az=$2 time=$3 peers= pair
  shift 3
  for pair; do
    peers+=",{\"peer\":\"${pair%=*}\",\"sent\":30,\"answered\":30,\"lost\":0,\"refused\":0,\"syn_retransmits\":0"
    peers+=",\"rtt_ms\":{\"count\":27,\"p50\":${pair#*=},\"p99\":${pair#*=}}"
    peers+=",\"cold_rtt_ms\":{\"count\":3,\"p50\":${pair#*=},\"p99\":${pair#*=}},\"connect_ms\":null}"
  done
  printf '{"schema":"wire-probe.mesh-row.v1","node":"%s","az":"%s","labels":{},"time":"%s"' "$node" "$az" "$time"
  printf ',"age_ms":0,"window_ms":300000,"lag_p99_ms":1.5,"connect_excess_ms":null,"peers":[%s]}\n' "${peers#,}"
}

# A mesh of four nodes in two zones; nobody reaches d but c.
rows_of_four() {
  local now
  now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  row a x "$now" b=0.3 c=1 d=1
  row b x "$now" a=0.3 c=1 d=1
  row c y "$now" a=1 b=1 d=0.3
  row d y "$now" a=1 b=1 c=0.3
}

# node LAST OPTION…: starts a node of the mesh in the file `nodes`, at 127.0.3.LAST; its name is n and that number.
node() {
  local last=$1
  shift
  # Of one that had this name before.
  rm -f notices$last
  wire-probe mesh --nodes nodes --name n$last --bind 127.0.3.$last --http-port $FREE2 -i 100ms --window 1m "$@" \
    >table$last 2>notices$last &
  says notices$last "row at port"
}

# nodes LAST…: the file of them.
nodes() {
  printf "n%s=127.0.3.%s:$FREE az=x\n" $(for last; do echo $last $last; done)
}

# page LAST PATH: what a node answers there.
page() {
  curl -sS --max-time 15 "http://127.0.3.$1:$FREE2$2"
}

# measured LAST PEER: waits until a node has measured another one.
measured() {
  until page $1 /row | grep -q "\"peer\":\"$2\",\"sent\":[1-9][^}]*\"rtt_ms\":{"; do sleep 0.05; done
}
