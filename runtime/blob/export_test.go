package blob

import "time"

// PaceWindow sets how long a slow upload is watched, for tests that do not wait that long.
func (s *S3) PaceWindow(d time.Duration) { s.parts.paceWindow = d }
