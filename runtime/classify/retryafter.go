package classify

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// longestPause is what a server may ask for: whoever asks for more gets no more.
const longestPause = 24 * time.Hour

// retryAfter returns how long a server asks to be left alone, 0 when it does not say. Retry-After goes before what providers say of
// their limits, and of those only what is used up counts.
func retryAfter(h http.Header, now time.Time) time.Duration {
	wait := time.Duration(0)
	if ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64); err == nil {
		wait = seconds(ms / 1000)
	} else if asked := h.Get("Retry-After"); asked != "" {
		wait = delayOrDate(asked, now)
	}
	if wait <= 0 {
		wait = untilReset(h, now)
	}
	return min(max(wait, 0), longestPause)
}

func delayOrDate(text string, now time.Time) time.Duration {
	if s, err := strconv.ParseFloat(text, 64); err == nil {
		return seconds(s)
	}
	if at, err := http.ParseTime(text); err == nil {
		return at.Sub(now)
	}
	return 0
}

// seconds does not overflow, nor take NaN for a number.
func seconds(s float64) time.Duration {
	if s >= 0 && s < longestPause.Seconds() {
		return time.Duration(s * float64(time.Second))
	}
	if s > 0 {
		return longestPause
	}
	return 0
}

// untilReset reads the headers of Anthropic (a time: RFC 3339) and of OpenAI (a duration: 6m0s) that say when a limit is there again.
func untilReset(h http.Header, now time.Time) (longest time.Duration) {
	for name := range h {
		lower := strings.ToLower(name)
		if !strings.HasPrefix(lower, "anthropic-ratelimit-") && !strings.HasPrefix(lower, "x-ratelimit-") {
			continue
		}
		reset, ok := resetOf(lower)
		if !ok || h.Get(name) != "0" {
			continue
		}
		text := h.Get(reset)
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			longest = max(longest, at.Sub(now))
		} else if d, err := time.ParseDuration(text); err == nil {
			longest = max(longest, d)
		}
	}
	return longest
}

// resetOf names the reset of what remains: anthropic-ratelimit-requests-remaining, x-ratelimit-remaining-requests.
func resetOf(remaining string) (string, bool) {
	if rest, ok := strings.CutSuffix(remaining, "-remaining"); ok {
		return rest + "-reset", true
	}
	if kind, ok := strings.CutPrefix(remaining, "x-ratelimit-remaining-"); ok {
		return "x-ratelimit-reset-" + kind, true
	}
	return "", false
}
