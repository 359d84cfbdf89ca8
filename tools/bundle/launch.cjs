// How the launcher starts a Node that is not the package's own: it may be of any age, so this is written for old ones
// and looks at the version before anything newer is loaded. The build copies it to dist/.

var needed = [22, 15]
var found = process.versions.node.split('.').map(Number)

if (found[0] < needed[0] || (found[0] === needed[0] && found[1] < needed[1])) {
  process.stderr.write(
    'sentctl needs Node ' + needed.join('.') + ' or later; ' + process.execPath + ' is ' + process.versions.node + '.\n' +
      'Install a newer Node with the package manager of this system (Termux: pkg install nodejs), then try again.\n'
  )
  process.exit(1)
}

process.argv[1] = require('path').join(__dirname, 'main.js')
import('./main.js').catch(function (error) {
  // Out of the promise, so that Node reports it as it reports any other uncaught error.
  process.nextTick(function () {
    throw error
  })
})
