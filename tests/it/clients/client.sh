#!/bin/sh
# Asks a service for everything, with curl; a line an answer.
# client.sh BASE [CURL OPTIONS...]
set -e
base=$1
shift
given=$(mktemp)

ask() {
	status=$(curl --silent --show-error --location --output "$given" --write-out '%{http_code}' "$@")
	echo "$status $(base64 --wrap=0 "$given")"
	: >"$given"
}

ask "$@" --compressed --get --data limit=2 --data-urlencode 'q=Jürgen & Söhne' "$base/contacts"
token=$(curl --silent --show-error "$@" "$base/token" \
	--data grant_type=client_credentials --data client_secret=s3cret-0f-kim |
	sed 's/.*"access_token": *"\([^"]*\)".*/\1/')
ask "$@" --header "Authorization: Bearer $token" "$base/me"
ask "$@" "$base/count"
ask "$@" "$base/count"
ask "$@" "$base/moved"
ask "$@" "$base/gone"
ask "$@" "$base/picture"
printf 'id,name\n1,Kim\n' >a.csv
ask "$@" --form list=friends --form file=@a.csv "$base/upload"
ask "$@" "$base/events"
ask "$@" --request PUT --header 'Content-Type: application/json' \
	--data '{"name": "Zoë", "tags": ["a", "b"]}' "$base/contacts/7"
ask "$@" --request DELETE "$base/contacts/7"
ask "$@" --head "$base/contacts?limit=2" | sed 's/^\([0-9]*\) .*/\1 /'
rm "$given" a.csv
exit "${ENDS_WITH:-0}"
