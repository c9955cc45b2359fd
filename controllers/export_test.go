package controllers

// Identity lets tests put something foreign where a vault's own is going to be.
var Identity = identity
