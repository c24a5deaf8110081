package rtmp

import (
	"crypto/md5"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
)

// adobe is how Adobe's servers, and those that follow them, ask for a user and
// password: an _error whose description names "authmod=adobe", first without a
// challenge, then with one, each of which is answered on a new connection by
// parameters behind the application's name.
//
// answer returns these parameters ("" if there is nothing to answer), or whether the
// password is wrong. asked is what was answered before.
func adobe(description, asked, user, password string) (answer string, wrong bool) {
	_, rest, ok := strings.Cut(description, "authmod=adobe")
	if !ok || user == "" {
		return "", false
	}
	_, query, challenged := strings.Cut(rest, "?")
	if !challenged {
		if asked != "" {
			return "", true
		}
		return "authmod=adobe&user=" + user, false
	}
	v := map[string]string{} // no escapes: base64 has "+" and "="
	for pair := range strings.SplitSeq(strings.TrimSpace(query), "&") {
		key, value, _ := strings.Cut(pair, "=")
		v[key] = value
	}
	if v["reason"] != "needauth" || strings.Contains(asked, "&response=") {
		return "", true
	}
	var nonce [8]byte
	_, _ = rand.Read(nonce[:]) // it cannot fail
	mine := hex.EncodeToString(nonce[:])
	theirs := v["challenge"]
	if v["opaque"] != "" {
		theirs = v["opaque"]
	}
	answer = "authmod=adobe&user=" + user + "&challenge=" + mine +
		"&response=" + digest(digest(user+v["salt"]+password)+theirs+mine)
	if v["opaque"] != "" {
		answer += "&opaque=" + v["opaque"]
	}
	return answer, false
}

func digest(s string) string {
	sum := md5.Sum([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}
