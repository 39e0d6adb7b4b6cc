import { execFileSync } from 'node:child_process'

/** Tests run real workers and the real wasm: those of the sources as they are now. */
export default function build(): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
}
