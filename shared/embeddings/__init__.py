"""Models that tell how near the meanings of texts are. Off unless a setting names one."""
