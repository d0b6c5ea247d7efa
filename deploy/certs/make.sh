#!/bin/sh
# Makes a self-signed certificate and its key in DIRECTORY, for the names that clients will use.
# Does nothing when both are there: clients that trust the certificate keep trusting it.
set -eu

if [ $# -lt 1 ]; then
    echo "usage: make.sh DIRECTORY [DNS-NAME...]" >&2
    exit 2
fi
directory=$1
shift

if [ -s "$directory/server.crt" ] && [ -s "$directory/server.key" ]; then
    echo "$directory: certificate is there already"
    exit 0
fi

names="DNS:margingate,DNS:localhost,IP:127.0.0.1"
for name in "$@"; do
    names="$names,DNS:$name"
done

umask 077
mkdir -p "$directory"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -sha256 -days 365 \
    -subj "/CN=margingate" -addext "subjectAltName=$names" \
    -keyout "$directory/server.key.new" -out "$directory/server.crt.new" 2>/dev/null
chmod 644 "$directory/server.crt.new"
mv "$directory/server.key.new" "$directory/server.key"
mv "$directory/server.crt.new" "$directory/server.crt"
echo "$directory: certificate made, valid for a year"
